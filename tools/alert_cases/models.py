"""Cases of the alerts on memory and loads of models."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.semconv import model_metrics as m
from tools.alert_cases.calls import MEMORY, OF_MODEL
from tools.alert_cases.case import Case, series, simple

LOADED = series(m.EVENTS, MODEL="sdxl", EVENT="load", OUTCOME="ok")
NOT_LOADED = series(m.EVENTS, MODEL="sdxl", EVENT="load", OUTCOME="error")


def cases() -> Iterator[Case]:
    """Yield a case for each alert of the group."""
    yield Case(
        "GenotelOutOfMemory", OF_MODEL, {MEMORY: "0 0 0 1x2"}, 5, {MEMORY: "0x5"}, {MEMORY: "0 0 0 1x20"}, 20, 25
    )
    yield Case(
        "GenotelOutOfMemoryRepeatedly",
        OF_MODEL,
        {MEMORY: "0 0 0 1 2 3 4x2"},
        8,
        {MEMORY: "0 0 0 1 2x4"},
        {MEMORY: "0 0 0 1 2 3 4x30"},
        30,
        35,
    )
    yield simple("GenotelModelThrashing", LOADED, "0+1x{n}", "0+0.2x20", "20x40", 20, 58, 60, MODEL="sdxl")
    yield Case(
        "GenotelModelLoadFails",
        OF_MODEL,
        {NOT_LOADED: "0 0 1x3"},
        5,
        {NOT_LOADED: "0x5"},
        {NOT_LOADED: "0 0 1x20"},
        20,
        25,
    )
