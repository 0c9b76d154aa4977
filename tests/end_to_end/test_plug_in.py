"""The example of a plug-in: built, installed beside genotel, and asked by the command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

EXAMPLE = ROOT / "examples" / "recommender-plugin"
DAY = 86_400


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel of the example unpacked, as pip leaves it."""
    folder = tmp_path_factory.mktemp("plug-in")
    copy = folder / "source"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("genotel_variants-*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Return an event list with a variant that hardly anybody asks for."""
    lines = ["timestamp,model,status,size_bytes"]
    lines += [f"{1_735_516_800 + day * DAY},sdxl-fp16,ok,6900000000" for day in range(60)]
    lines += [f"{1_735_516_800 + 30 * DAY},sdxl-fp8,ok,3500000000"]
    file = tmp_path / "events.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def recommend(site: Path, events: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a folder of packages beside its own."""
    return subprocess.run(
        [sys.executable, "-m", "genotel", "recommend", "--events", str(events), "--format", "json", *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT / "src")])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_asks_a_plug_in_that_is_installed(site: Path, events: Path) -> None:
    """By its kind and by default, with its method and its own reason codes."""
    done = recommend(site, events, "--kind", "variants")
    assert (done.returncode, done.stderr) == (0, "")
    content = json.loads(done.stdout)
    (entry,) = content["recommendations"]
    assert (entry["kind"], entry["model"], entry["reason_code"]) == ("variants", "sdxl-fp8", "other_variant_preferred")
    assert entry["saving"]["bytes"] == 3_500_000_000
    assert entry["would_change"] == "Calls of this variant."
    assert content["explanation"]["methods"] == {"variants": "share of the next call by Laplace's rule of succession"}
    everything = json.loads(recommend(site, events).stdout)
    assert "variants" in {entry["kind"] for entry in everything["recommendations"]}


def test_a_broken_plug_in_costs_one_line(site: Path, events: Path, tmp_path: Path) -> None:
    """The advice of all others stands, and the exit code is 0."""
    shutil.copytree(site, tmp_path / "site")
    (tmp_path / "site" / "genotel_variants.py").write_text("raise SystemExit('not today')\n")
    done = recommend(tmp_path / "site", events)
    assert done.returncode == 0
    assert done.stderr == "genotel: the recommender plug-in 'variants' is left out: SystemExit: not today\n"
    assert {entry["kind"] for entry in json.loads(done.stdout)["withheld"]} >= {"cleanup", "performance"}


def test_the_plug_in_passes_its_own_test(site: Path) -> None:
    """It is the pattern that others copy."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "test_genotel_variants.py")],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=site,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
