"""A process that says in a spool which models it has loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from genotel.exposition.series import Block, Family, NumberSeries
from genotel.semconv.model_metrics import RESIDENT
from genotel.spool.snapshot import Encoder, share
from genotel.spool.worker_file import WorkerFile

LOADED = Family(RESIDENT.family, "gauge", RESIDENT.help)
OTHER = Family("other", "gauge", "Something else.")


def loaded(folder: Path, models: Mapping[str, float], pid: int = 1) -> WorkerFile:
    """Leave what a process has loaded in a spool; its number there is that of its own namespace."""
    folder.mkdir(exist_ok=True)
    rows = [
        (NumberSeries({"gen_ai_request_model": name, "otel_scope_name": "x"}), value) for name, value in models.items()
    ]
    worker = WorkerFile(folder)
    worker.write(Encoder(pid).encode(share([Block(LOADED, rows), Block(OTHER, rows)])))
    return worker
