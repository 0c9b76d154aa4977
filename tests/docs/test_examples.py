"""Every example runs as it stands, ends by itself, leaves nothing behind and shows what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

# What each one's output must hold, as patterns; an example without a line here fails.
SHOWS = {
    "async_stream.py": [
        r"^You asked: what is a stream\?$",
        r'^genotel_generation_requests_total{.*genotel_outcome="ok".*} 3$',
        r'^genotel_generation_requests_total{.*genotel_outcome="abandoned".*} 1$',
        r'^gen_ai_client_token_usage_sum{.*gen_ai_token_type="output".*} 15$',
    ],
    "batch_loop.py": [
        r"^described 35 of 40$",
        r"^journal: 40 calls, 88% of them ended well$",
        r"^average: \d+\.\d ms a call$",
        r"^advice: none yet$",
    ],
    "context_manager.py": [
        r'^genotel_generation_phase_duration_seconds_sum{.*genotel_phase="denoise".*} 0\.0\d+$',
        r"^genotel_generation_steps_total{.*} 8$",
    ],
    "decorator.py": [
        r"^an image of a fox$",
        r"^failed: the safety checker said no$",
        r'^  genotel_generation_requests_total{.*genotel_outcome="ok".*} 2$',
        r'^  genotel_generation_requests_total{.*genotel_outcome="error".*} 1$',
    ],
    "starlette_app.py": [
        r"^an image of lighthouse$",
        r'^genotel_generation_requests_total{.*genotel_outcome="ok".*} 2$',
    ],
    "stock_reader.py": [
        r'^genotel_generation_requests_total{.*genotel_outcome="ok".*} 1\.0$',
        r"^gen_ai_client_operation_duration_seconds_count{.*} 1\.0$",
    ],
    "threads.py": [
        r'^genotel_generation_steps_total{.*genotel_variant="heun".*} 100$',
        r'^genotel_generation_steps_total{.*genotel_variant="euler".*} 50$',
        r'^genotel_generation_score_sum{.*genotel_variant="heun".*} [78]\.\d+$',
    ],
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(path: Path, tmp_path: Path) -> None:
    """Exit code 0, no warning, the lines that it is for, and no file in home or working folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error", path],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "OTEL_EXPORTER_PROMETHEUS_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in SHOWS[path.name] if not re.search(line, done.stdout, re.MULTILINE)] == []
    assert list(tmp_path.iterdir()) == []


def test_every_example_is_in_the_list() -> None:
    """Its README names each file, and only files that are there."""
    listed = re.findall(r"\]\((\w+\.py)\)", (ROOT / "examples/README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == [path.name for path in EXAMPLES]
