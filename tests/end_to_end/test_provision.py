"""What ``genotel provision`` writes is read and run by the real servers, in both generations, and from the wheel."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from genotel.actions.provision.checks import checked
from genotel.actions.provision.folder import compared, write
from genotel.actions.provision.layouts import LAYOUTS, layout_named
from genotel.actions.provision.stack import Stack
from tests.architecture.sources import ROOT
from tests.servers import RealVictoriaMetrics, fetch, free_port, program, wait_for

pytestmark = pytest.mark.real_servers


def written(folder: Path, layout: str, find=lambda name: None, **options):
    """Write a layout and return it."""
    stack = Stack(folder=folder, **options)
    made = layout_named(layout)(stack, find)
    write(folder, compared(folder, made.files))
    return made


@contextmanager
def started(*lines: str, log: Path) -> Iterator[None]:
    """Run command lines as a shell reads them, until the end."""
    with log.open("wb") as file:
        processes = [subprocess.Popen(shlex.split(line), stdout=file, stderr=subprocess.STDOUT) for line in lines]
        try:
            yield
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(20)


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_both_generations_of_tools_read_every_layout(tmp_path, layout, newer):
    """Configuration, rules and routes, as their own tools see them."""
    # Prometheus 2 has no OTLP block.
    options = {"has_otlp": newer, "tenant": "team", "token_file": Path("/etc/token")}
    made = written(tmp_path, layout, remote_write="http://store:8428/api/v1/write", **options)
    if layout == "kubernetes":
        spec = yaml.safe_load(made.files["manifests/rules.yaml"])["spec"]
        (tmp_path / "rules").mkdir()
        (tmp_path / "rules" / "all.yaml").write_text(json.dumps(spec))
        made.files["rules/all.yaml"] = ""
    checks = checked(tmp_path, made.files, lambda name: program(name, newer=newer))
    assert [check for check in checks if check.complaint is not None or not check.is_done] == []
    assert len(checks) == {"machine": 3, "fleet": 3, "compose": 3, "kubernetes": 1}[layout]


def test_vmalert_and_vmagent_read_the_fleet(tmp_path):
    """The rules and the agent's file are VictoriaMetrics', too."""
    made = written(tmp_path, "fleet", remote_write="http://store:8428/api/v1/write", store="victoria-metrics")
    lines = [line for line in made.steps if line.startswith(("vmalert", "vmagent"))]
    assert len(lines) == 2
    for line in lines:
        name, *words = shlex.split(line)
        done = subprocess.run(
            [program(name, newer=True), *words, "-dryRun"], capture_output=True, text=True, timeout=30
        )
        assert done.returncode == 0, done.stderr


def moved(line: str, ports: dict[str, str], newer: bool) -> str:
    """Return a printed line with free ports and the programs of the tests."""
    first, _, rest = line.partition(" ")
    name = Path(first).name
    path = f"{sys.executable} -m genotel" if name == "genotel" else program(name, newer=newer)
    line = f"{path} {rest}"
    for port, free in ports.items():
        line = re.sub(rf"(:|--port ){port}\b", rf"\g<1>{free}", line)
    return line


@pytest.mark.parametrize("newer", [False, True])
def test_the_printed_lines_start_a_stack_that_works(tmp_path, newer):
    """The page is scraped, rules are evaluated, alerts reach Alertmanager."""
    ports = {port: str(free_port()) for port in ("9464", "9090", "9093")}
    made = written(tmp_path, "machine", targets=(f"127.0.0.1:{ports['9464']}",), scrape_interval="1s")
    configuration = tmp_path / "prometheus.yml"
    text = configuration.read_text().replace("9093", ports["9093"]).replace("evaluation_interval: 30s", "")
    configuration.write_text(text.replace("scrape_interval: 1s", "scrape_interval: 1s\n  evaluation_interval: 1s"))
    lines = [moved(line, ports, newer) for line in made.steps if line.startswith("/usr/bin/")]
    assert len(lines) == 3
    # What is sent before the first discovery is lost, and by default sent again after a minute.
    lines = [f"{line} --rules.alert.resend-delay=1s" if "/prometheus " in line else line for line in lines]
    server = f"http://127.0.0.1:{ports['9090']}/api/v1"
    with started(*lines, log=tmp_path / "log"):
        wait_for(
            "the page", lambda: json.loads(fetch(f'{server}/query?query=up{{job="genotel-host"}}==1'))["data"]["result"]
        )
        wait_for(
            "a recorded series",
            lambda: json.loads(fetch(f"{server}/query?query=genotel_threshold:cpu:ratio"))["data"]["result"],
        )
        alert = quote('alertname="GenotelWatchdog"')
        heartbeat = f"http://127.0.0.1:{ports['9093']}/api/v2/alerts?filter={alert}"
        wait_for("the heartbeat", lambda: json.loads(fetch(heartbeat)))
        rules = json.loads(fetch(f"{server}/rules"))["data"]["groups"]
        assert {rule["health"] for group in rules for rule in group["rules"]} <= {"ok", "unknown"}


@pytest.mark.parametrize("newer", [False, True])
def test_an_agent_hands_on_to_victoria_metrics(tmp_path, newer):
    """Page, agent, store: the metrics of a machine under its name."""
    ports = {port: str(free_port()) for port in ("9464", "9095")}
    with RealVictoriaMetrics(tmp_path / "store", newer=True) as store:
        made = written(
            tmp_path / "stack",
            "fleet",
            lambda name: None if name == "genotel" else program(name, newer=newer),
            targets=(f"127.0.0.1:{ports['9464']}",),
            scrape_interval="1s",
            remote_write=f"{store.url}/api/v1/write",
            store="victoria-metrics",
        )
        lines = [moved(line, ports, newer) for line in made.steps if line.startswith("/")][:2]
        with started(*lines, log=tmp_path / "log"):
            wait_for("the page", lambda: store.query('genotel_build_info{job="genotel-host"}'), timeout=60)


def test_the_wheel_provisions_without_anything_else(tmp_path):
    """Built, unpacked into an empty environment, run far from any checkout."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("genotel-*.whl")
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    [packages] = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    # What genotel depends on. A link in a linked folder is not followed, so the checkout is not seen.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    where = subprocess.run(
        [python, "-P", "-c", "import genotel; print(genotel.__file__)"], env=environment, capture_output=True, text=True
    )
    assert where.stdout.startswith(str(packages))
    done = subprocess.run(
        [python, "-P", "-m", "genotel", "provision", "--folder", tmp_path / "stack"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "stack" / "grafana" / "dashboards").iterdir())) == len(
        list((ROOT / "grafana" / "dashboards").iterdir())
    )
    assert "promtool: prometheus.yml is right" in done.stderr
