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
    "asyncio_service.py": [
        r"^40 answers, such as '0 tpmorp'$",
        r"^40 requests in \d+ batches$",
        r'^batch_throughput{name="service"} \d+\.\d+$',
        r'^batch_error_rate{name="service"} 0\.0$',
    ],
    "batch_loop.py": [
        r"^described 35 of 40$",
        r"^journal: 40 calls, 88% of them ended well$",
        r"^average: \d+\.\d ms a call$",
        r"^advice: performance, out_of_memory: 5 of 40 calls in the last hour ran out of memory",
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
    "dynamic_batcher.py": [
        r"^200 requests in \d+ batches$",
        r"^\d+ requests/s, busy \d+%$",
        r"^workers for a wait below 10 ms: \d+$",
        r'^genotel_queue_limit{genotel_queue_name="requests",.*} 50$',
        r'^genotel_batch_items_total{genotel_batch_name="batcher",genotel_outcome="ok",.*} 200$',
    ],
    "nightly_job.py": [
        r"^after 10 batches: 5 left, \d+ ms to go$",
        r"^120 pictures in 15 batches, 0 failed batches$",
        r"^critical: mean time of a batch, s: 2\.5, above 1$",
        r"^critical: share of failed batches: 0\.\d+, above 0\.05$",
        r"^status: critical$",
        r'^genotel_batch_items_total{genotel_batch_name="nightly",genotel_outcome="ok",.*} 120$',
        r'^genotel_batch_items_total{genotel_batch_name="captions",genotel_outcome="error",.*} \d+$',
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
