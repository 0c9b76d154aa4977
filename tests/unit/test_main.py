"""The package runs as a program, and says its version."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import genotel
from tests.architecture.sources import ROOT


def test_the_package_runs_as_a_program() -> None:
    """``python -m genotel`` is the command line."""
    done = subprocess.run(
        [sys.executable, "-m", "genotel", "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == f"genotel {genotel.__version__}\n"


def test_the_package_is_built_with_the_version_that_it_says() -> None:
    """The build reads the same file."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["version"]
    assert f'__version__ = "{genotel.__version__}"' in (ROOT / build["path"]).read_text(encoding="utf-8")
