"""The table of other people's metrics is whole and says nothing twice."""

from __future__ import annotations

import re

import pytest

from genotel.semconv import attributes as a
from genotel.semconv.foreign import OUTCOME_UNKNOWN, Amount, ForeignGpus, ForeignServer
from genotel.semconv.foreign_servers import GPU_EXPORTERS, SERVERS

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def amounts(row: ForeignServer | ForeignGpus) -> list[Amount]:
    """Return every amount of a row."""
    values = [getattr(row, name) for name in row.__dataclass_fields__]
    return [value for value in values if isinstance(value, Amount)]


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_every_row_is_whole(server: ForeignServer) -> None:
    """It counts calls of a model, with names that Prometheus takes and outcomes that we have."""
    assert all((server.title, server.documented, server.calls))
    seconds = [part for part in (server.durations, server.loads) if part is not None]
    names = [calls.name for calls in server.calls] + [amount.name for amount in amounts(server)]
    names += [name for part in seconds for name in (part.seconds, part.count)]
    assert all(NAME.fullmatch(name) for name in names)
    assert {calls.outcome for calls in server.calls} <= {*a.OUTCOMES, OUTCOME_UNKNOWN}
    assert NAME.fullmatch(server.model_label)


@pytest.mark.parametrize("exporter", GPU_EXPORTERS, ids=lambda exporter: exporter.name)
def test_every_gpu_row_is_whole(exporter: ForeignGpus) -> None:
    """It has memory and a card to tell it by; factors make base units."""
    assert all((exporter.title, exporter.documented, exporter.gpu_label))
    assert all(NAME.fullmatch(amount.name) and amount.scale > 0 for amount in amounts(exporter))


def test_no_name_is_used_twice() -> None:
    """A name on the command line means one row, and a counter with the same matchers is in one row."""
    assert len({server.name for server in SERVERS}) == len(SERVERS)
    counted = [(calls.name, calls.matchers) for server in SERVERS for calls in server.calls]
    assert len(set(counted)) == len(counted)


def test_both_spellings_of_dcgm_are_there() -> None:
    """Memory in MiB up to 4.8, in bytes from 4.9 on."""
    used = {exporter.name: exporter.memory_used for exporter in GPU_EXPORTERS}
    assert used["dcgm"] == Amount("DCGM_FI_DEV_FB_USED", 2.0**20)
    assert used["dcgm-4.9"] == Amount("DCGM_FI_DEV_FB_USED_BYTES", 1.0)
