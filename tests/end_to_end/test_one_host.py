"""However many workers a box has, the host and its cards are on the page once."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from genotel.semconv import generation_metrics as gm
from genotel.semconv.gpu_metrics import GPU_METRICS
from genotel.semconv.host_metrics import HOST_METRICS
from genotel.semconv.spec import Merge
from tests.fake_nvml import STATE_VARIABLE, FakeDriver, built
from tests.programs import Program
from tests.servers import fetch, wait_for

# What is of the machine, not of a process of it.
OF_THE_HOST = {spec.prometheus_name for spec in (*HOST_METRICS, *GPU_METRICS) if spec.merge is Merge.LAST}
COLLECTORS = "cpu,memory,network,system,gpu_nvidia"


@pytest.mark.parametrize("workers_collect", [False, True], ids=["as documented", "workers told to collect, too"])
def test_host_and_cards_are_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers_collect: bool) -> None:
    """With one exporter and three workers; even where somebody has told the workers to look at the host themselves."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(Path(built()).parent))
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    FakeDriver(tmp_path / "state", "devices = 2\ngpu.*.memory_used = 9000000000")
    spool = tmp_path / "spool"
    settings: dict[str, object] = {"page": False, "spool": str(spool)}
    if workers_collect:
        settings["collectors"] = COLLECTORS
    words = ["--port", "0", "--collectors", COLLECTORS, "--spool", str(spool)]
    exporter = subprocess.Popen([sys.executable, "-m", "genotel", "serve", *words], stderr=subprocess.PIPE, text=True)
    try:
        url = re.search(r"http://\S+", exporter.stderr.readline())[0]
        with ExitStack() as stack:
            workers = [stack.enter_context(Program(**settings)) for _ in range(3)]
            for worker in workers:
                worker.call("sdxl")

            def page() -> Counter[tuple[str, frozenset[tuple[str, str]]]]:
                samples = [sample for family in parse_text(fetch(url).decode()) for sample in family.samples]
                calls = sum(
                    sample.value
                    for sample in samples
                    if sample.name == gm.REQUESTS.prometheus_name and sample.labels["genotel_outcome"] == "ok"
                )
                cards = {sample.labels["hw_id"] for sample in samples if sample.name == "hw_gpu_memory_limit_bytes"}
                if calls < 3 or len(cards) < 2:
                    return Counter()
                return Counter((sample.name, frozenset(sample.labels.items())) for sample in samples)

            series = wait_for("every worker and both cards", page, timeout=60)
            of_the_host = {key: count for key, count in series.items() if key[0] in OF_THE_HOST}
            names = {name for name, _ in of_the_host}
            assert {"system_memory_limit_bytes", "system_cpu_time_seconds_total", "hw_gpu_memory_limit_bytes"} <= names
            assert set(of_the_host.values()) == {1}
            assert [key for key in of_the_host if "process_pid" in dict(key[1])] == []
            # One of each: a second exporter's copy would be another series of the same name.
            assert sum(name == "system_memory_limit_bytes" for name, _ in of_the_host) == 1
            assert sum(name == "hw_gpu_memory_limit_bytes" for name, _ in of_the_host) == 2
            for worker in workers:
                worker.end()
    finally:
        exporter.terminate()
        exporter.wait(20)
        exporter.stderr.close()
