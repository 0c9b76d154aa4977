"""The examples of running the recommender name options that exist, and are what their readers take."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from genotel.cli.main import app
from genotel.settings import Settings
from tests.architecture.sources import ROOT

FOLDER = ROOT / "examples" / "recommender"
MANIFESTS = sorted(FOLDER.glob("*.yaml"))
UNITS = sorted([*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")])
# What systemd-analyze says of every machine but the one that the unit is meant for.
ELSEWHERE = ("is not executable", "Failed to", "Cannot", "cannot")


def documents(path: Path) -> list[dict[str, Any]]:
    """Return the documents of a manifest."""
    return [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]


def pods(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the specification of each pod that a document would start."""
    spec = document["spec"]
    if document["kind"] == "CronJob":
        yield spec["jobTemplate"]["spec"]["template"]["spec"]
    elif document["kind"] == "Deployment":
        yield spec["template"]["spec"]


def command_lines() -> list[tuple[str, list[str]]]:
    """Return every command line of the examples with its file's name."""
    found = []
    for path in MANIFESTS:
        for document in documents(path):
            for pod in pods(document):
                found += [(path.name, container["args"]) for container in pod["containers"]]
    for path in UNITS:
        started = re.search(r"^ExecStart=/usr/local/bin/(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        if started:
            found.append((path.name, shlex.split(started[1])))
    return found


def test_there_is_a_command_line_in_each() -> None:
    """A file that nobody reads here would not be checked."""
    assert {name for name, _ in command_lines()} == {path.name for path in (*MANIFESTS, *UNITS)} - {
        "genotel-report.timer"
    }


@pytest.mark.parametrize(("name", "words"), command_lines(), ids=lambda value: value if isinstance(value, str) else "")
def test_options_exist_and_have_their_values(name: str, words: list[str]) -> None:
    """The command line is taken by the parser of the command itself; nothing is run."""
    program, command, *options = words
    assert (program, command) == ("genotel", "recommend")
    parser = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    context = parser.make_context(command, options, resilient_parsing=False)
    assert (context.params["watch"] is True) == ("watch" in name or "recommender" in name)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_pods_are_confined_and_mount_what_they_have(path: Path) -> None:
    """No privileges, a read-only root, and every volume and file is where an option says."""
    for document in documents(path):
        assert {"apiVersion", "kind", "metadata", "spec"} <= document.keys()
        for pod in pods(document):
            assert pod["securityContext"]["runAsNonRoot"] is True
            volumes = {volume["name"] for volume in pod["volumes"]}
            for container in pod["containers"]:
                security = container["securityContext"]
                assert security["readOnlyRootFilesystem"]
                assert not security["allowPrivilegeEscalation"]
                mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
                assert {mount["name"] for mount in container["volumeMounts"]} == volumes
                files = re.findall(r"--[a-z-]+=(/\S+)/[^/]+$", "\n".join(container["args"]), re.MULTILINE)
                assert {folder for folder in files if not folder.startswith("//")} == mounts


def test_the_port_is_the_default_everywhere() -> None:
    """What Prometheus scrapes is what is served."""
    (deployment,) = [entry for entry in documents(FOLDER / "kubernetes-watch.yaml") if entry["kind"] == "Deployment"]
    template = deployment["spec"]["template"]
    port = Settings().watch.watch_port
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(port)
    (container,) = template["spec"]["containers"]
    assert container["ports"][0]["containerPort"] == port
    assert f"--port={port}" in container["args"]
    assert f"port {port}" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_a_schedule_has_five_fields() -> None:
    """Minute, hour, day, month, weekday."""
    (job,) = [entry for entry in documents(FOLDER / "kubernetes-cronjob.yaml") if entry["kind"] == "CronJob"]
    assert re.fullmatch(r"[\d*/,-]+( [\d*/,-]+){4}", job["spec"]["schedule"])


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_is_one(path: Path) -> None:
    """Sections and keys are systemd's; what it writes is in its own state folder."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # keys keep their case
    unit.read_string(path.read_text(encoding="utf-8"))
    assert set(unit.sections()) <= {"Unit", "Service", "Timer", "Install"}
    if path.suffix == ".timer":
        assert path.with_suffix(".service").exists()
        return
    service = unit["Service"]
    folders = set(re.findall(r"/var/lib/([^/ ]+)/", service["ExecStart"]))
    assert folders == {service["StateDirectory"]}
    if shutil.which("systemd-analyze"):
        said = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(path)],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        ).stderr
        faults = [
            line for line in said.splitlines() if path.name in line and not any(word in line for word in ELSEWHERE)
        ]
        assert faults == []


def test_the_receiver_believes_only_what_is_signed_and_fresh() -> None:
    """It runs as it stands."""
    done = subprocess.run(
        [sys.executable, FOLDER / "receive_webhook.py"], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "signed: True\nforged: False\nold: False\n"
