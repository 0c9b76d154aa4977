"""The units and manifests of ``examples/deploy`` say what the program takes."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from genotel.cli.main import app
from genotel.settings import PageSettings, Settings, load_settings
from tests.architecture.sources import ROOT
from tests.servers import program

FOLDER = ROOT / "examples/deploy"
YAML = sorted(FOLDER.glob("*.y*ml"))
PORT = str(PageSettings().port)


def documents(path: Path) -> list[Any]:
    """Return what is in a file of YAML."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def command_lines() -> Iterator[list[str]]:
    """Yield every command line of ours that is anywhere in the folder, from ``serve`` on."""
    for line in (FOLDER / "genotel.service").read_text(encoding="utf-8").splitlines():
        if line.startswith("ExecStart"):
            yield shlex.split(line.partition("=")[2])[1:]
    (command,) = re.findall(r"^CMD (\[.*\])$", (FOLDER / "Containerfile").read_text(encoding="utf-8"), re.MULTILINE)
    yield yaml.safe_load(command)
    yield documents(FOLDER / "compose.yaml")[0]["services"]["genotel"]["command"]
    for document in documents(FOLDER / "kubernetes.yaml"):
        if document["kind"] == "DaemonSet":
            yield document["spec"]["template"]["spec"]["containers"][0]["args"]


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_a_manifest_is_yaml_with_something_in_it(path: Path) -> None:
    """Every document of it, those of Kubernetes with a kind and a name."""
    found = documents(path)
    assert found
    for document in found:
        assert isinstance(document, dict)
        if "apiVersion" in document:
            assert document["kind"]
            assert document["metadata"]["name"] == "genotel"


@pytest.mark.parametrize("words", list(command_lines()), ids=" ".join)
def test_a_command_line_is_one_that_the_program_takes(words: list[str]) -> None:
    """The command is there, and so is every option."""
    root: Any = typer.main.get_command(app)
    assert words[0] == "serve"
    options = {name for parameter in root.commands["serve"].params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
    if "--port" in words:
        assert words[words.index("--port") + 1] == PORT


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_a_port_is_the_default(path: Path) -> None:
    """Whatever looks like a port of ours, and the number of the user who is called after it."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"(?:[pP]ort:|:|EXPOSE|uid|runAsUser:|runAsGroup:|USER) ?(\d{4,5})\b", text)
    assert {number for number in found if number != "9090"} <= {PORT}


def test_a_variable_is_one_of_ours() -> None:
    """And its value is one that its setting takes."""
    environ = dict(documents(FOLDER / "compose.yaml")[0]["services"]["genotel"]["environment"])
    for document in documents(FOLDER / "kubernetes.yaml"):
        if document["kind"] == "DaemonSet":
            for entry in document["spec"]["template"]["spec"]["containers"][0]["env"]:
                environ[entry["name"]] = entry.get("value", "")
    ours = {name: value for name, value in environ.items() if name.startswith("GENOTEL_")}
    assert ours
    assert load_settings(environ=ours) != Settings()


def test_selectors_select() -> None:
    """The service finds the pods, each monitor finds the service or the pods, and the port has its name."""
    of_kind = {document["kind"]: document for document in documents(FOLDER / "kubernetes.yaml")}
    template = of_kind["DaemonSet"]["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    assert of_kind["DaemonSet"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert of_kind["Service"]["spec"]["selector"].items() <= labels
    (port,) = template["spec"]["containers"][0]["ports"]
    (service_port,) = of_kind["Service"]["spec"]["ports"]
    assert service_port["targetPort"] == port["name"]
    (by_service,) = documents(FOLDER / "service-monitor.yaml")
    assert by_service["spec"]["selector"]["matchLabels"].items() <= of_kind["Service"]["metadata"]["labels"].items()
    assert by_service["spec"]["endpoints"][0]["port"] == service_port["name"]
    (by_pod,) = documents(FOLDER / "pod-monitor.yaml")
    assert by_pod["spec"]["selector"]["matchLabels"].items() <= labels
    assert by_pod["spec"]["podMetricsEndpoints"][0]["port"] == port["name"]


def test_the_readme_names_every_file() -> None:
    """And only files that are there."""
    listed = set(re.findall(r"\]\(([\w.-]+)\)", (FOLDER / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in FOLDER.iterdir()} - {"README.md"}


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """With a program that exists; systemd itself need not run, and many machines have none."""
    systemd = shutil.which("systemd-analyze")
    if systemd is None:
        pytest.skip("systemd-analyze is not installed")
    for name in ("genotel.service", "genotel.socket"):
        text = (FOLDER / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/opt/genotel/bin/genotel", "/bin/true"), encoding="utf-8")
    units = [str(tmp_path / name) for name in ("genotel.socket", "genotel.service")]
    done = subprocess.run([systemd, "verify", *units], capture_output=True, text=True, timeout=60, check=False)
    # Older and newer ones may say something of other units of the machine.
    assert (done.returncode, [line for line in done.stderr.splitlines() if "genotel" in line]) == (0, [])


@pytest.mark.real_servers
def test_prometheus_takes_its_configuration() -> None:
    """As promtool reads it."""
    done = subprocess.run(
        [program("promtool"), "check", "config", FOLDER / "prometheus.yml"],
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout
