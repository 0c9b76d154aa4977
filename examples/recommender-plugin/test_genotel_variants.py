"""The plug-in's own test: no server, no file, a history made by hand."""

from __future__ import annotations

import numpy as np
from genotel_variants import VariantReason, Variants

from genotel.history.hourly import HourTable
from genotel.history.usage import UsageHistory, count_hours
from genotel.settings import AdviceSettings

DAY = 86_400.0


def history(calls: dict[str, int], days: int = 30) -> UsageHistory:
    """Return a history of calls that were all made in its first hour."""
    models, end = tuple(sorted(calls)), days * DAY - 1
    unknown = np.full(len(models), np.nan)
    return UsageHistory(
        source="made by hand",
        start=0.0,
        end=end,
        models=models,
        observed=np.ones(count_hours(0.0, end), dtype=bool),
        hourly=HourTable.gather(
            np.arange(len(models)),
            np.zeros(len(models), dtype=np.int64),
            requests=np.array([calls[model] for model in models]),
        ),
        first_seen=np.zeros(len(models)),
        last_used=np.zeros(len(models)),
        size_bytes=unknown,
    )


def test_the_variant_that_nobody_asks_for_is_superfluous() -> None:
    """And each other model has its reason."""
    found = Variants().recommend(history({"sdxl-fp16": 97, "sdxl-fp8": 1, "flux-fp16": 1}), AdviceSettings())
    (advice,) = found.recommendations
    assert (advice.model, advice.priority.value) == ("sdxl-fp8", "high")
    assert 0.97 < advice.confidence < 0.99
    assert {entry.model: entry.reason_code for entry in found.withheld} == {
        "sdxl-fp16": VariantReason.VARIANT_IN_USE,
        "flux-fp16": VariantReason.ONLY_VARIANT,
    }


def test_few_calls_prove_nothing() -> None:
    """Neither variant is advised."""
    found = Variants().recommend(history({"sdxl-fp16": 3, "sdxl-fp8": 0}), AdviceSettings())
    assert found.recommendations == ()
    assert {entry.reason_code for entry in found.withheld} == {VariantReason.TOO_FEW_CALLS}
