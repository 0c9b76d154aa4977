"""``genotel demo --workload diffusers``: tiny pipelines really run and are counted."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.real_libraries.conftest import require_library


def test_the_demo_runs_real_pipelines() -> None:
    """It says what they are, counts calls of both, and leaves in peace."""
    require_library("diffusers", "torch", "transformers")
    tool = Path(sys.executable).with_name("genotel")
    done = subprocess.run(
        [tool, "demo", "--workload", "diffusers", "--seconds", "3", "--port", "0", "--prometheus", "none"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "REAL pipelines of diffusers with RANDOM weights" in done.stdout
    for model in ("tiny-sd", "tiny-wan"):
        (calls,) = re.findall(rf"^ {model} +(\d+) ", done.stdout, re.MULTILINE)
        assert int(calls) >= 1
    assert "Everything that the demo started has ended" in done.stdout
