"""What docs/serving.md shows is taken as it stands: by genotel, and by Prometheus."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from genotel.exposition.limits import Limits
from genotel.exposition.server import DEFAULT_MAX_CONCURRENT_SCRAPES
from genotel.exposition.web_config import load_web_config
from tests.architecture.sources import ROOT
from tests.certificates import Authority
from tests.conftest import require

TEXT = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with everything that the examples name."""
    authority = Authority()
    authority.issue("gpu-box.example").write(tmp_path)
    (tmp_path / "ca.crt").write_text(authority.certificate, encoding="ascii")
    (tmp_path / "password").write_text("example", encoding="ascii")
    return tmp_path


@pytest.mark.parametrize("text", [text for name, text in BLOCKS if name == "web.yml"])
def test_a_web_configuration_file_loads(text: str, folder: Path) -> None:
    """As it is shown."""
    (folder / "web.yml").write_text(text, encoding="utf-8")
    assert load_web_config(folder / "web.yml").context is not None


@pytest.mark.parametrize("text", [text for name, text in BLOCKS if name == "prometheus.yml"])
def test_prometheus_takes_its_configuration(text: str, folder: Path) -> None:
    """As it is shown."""
    promtool = require(shutil.which("promtool"), "promtool")
    (folder / "prometheus.yml").write_text(text, encoding="utf-8")
    subprocess.run([promtool, "check", "config", folder / "prometheus.yml"], check=True, capture_output=True)


def test_the_limits_are_those_of_the_program() -> None:
    """Each number of the table is the one in force."""
    limits = Limits()
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", TEXT, re.MULTILINE))
    assert rows["scrapes at once"] == str(DEFAULT_MAX_CONCURRENT_SCRAPES)
    assert rows["connections, and handshakes besides"] == f"{limits.connections} each"
    assert rows["a TLS handshake"] == f"{limits.handshake_seconds:g} s"
    assert rows["a request, from its first byte"] == f"{limits.read_seconds:g} s"
    assert rows["a password"].startswith(f"{limits.examine_seconds:g} s")
    assert rows["taking the answer"] == f"{limits.write_seconds:g} s"
    assert rows["silence between two requests"].startswith(f"{limits.idle_seconds:g} s")
    assert f"for at most {limits.drain_seconds:g} s" in TEXT
