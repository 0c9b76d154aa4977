"""Histories made by hand, for the tests of the reading tower: what was used on which day, who looked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from genotel.history.hourly import HOURS_PER_DAY, SECONDS_PER_DAY, HourTable
from genotel.history.usage import UsageHistory, count_hours

# A Monday, midnight UTC.
EPOCH = 1_735_516_800.0
EPOCH_DAY = int(EPOCH // SECONDS_PER_DAY)


def history(
    uses: Mapping[str, Iterable[int]],
    *,
    days: int,
    hidden: Iterable[int] = (),
    first_seen: Mapping[str, int] | None = None,
    sizes: Mapping[str, float] | None = None,
    failed: Mapping[str, int] | None = None,
) -> UsageHistory:
    """Return a history of ``days`` whole days.

    Args:
        uses: days (from 0) on which each model is used once, at noon; a day may be named more often.
        days: length of the history.
        hidden: days that nobody watched; uses on them are not seen.
        first_seen: day on which a model was first known, by default its first use or else day 0.
        sizes: bytes.
        failed: how many of a model's calls failed, the first ones; the others succeeded.
    """
    hidden = frozenset(hidden)
    models = tuple(sorted(uses))
    start, end = EPOCH, EPOCH + days * SECONDS_PER_DAY - 1
    rows = [(index, day) for index, name in enumerate(models) for day in sorted(uses[name]) if day not in hidden]
    is_failed = np.zeros(len(rows), dtype=np.int64)
    for name, count in (failed or {}).items():
        is_failed[[place for place, row in enumerate(rows) if models[row[0]] == name][:count]] = 1
    first = {name: min(uses[name], default=0) for name in models} | dict(first_seen or {})
    last = {name: max((day for day in uses[name] if day not in hidden), default=np.nan) for name in models}
    observed = np.ones(count_hours(start, end), dtype=bool)
    for day in hidden:
        observed[day * HOURS_PER_DAY : (day + 1) * HOURS_PER_DAY] = False
    return UsageHistory(
        source="a history made by hand",
        start=start,
        end=end,
        models=models,
        observed=observed,
        hourly=HourTable.gather(
            np.array([row[0] for row in rows], dtype=np.int64),
            np.array([(EPOCH_DAY + row[1]) * HOURS_PER_DAY + 12 for row in rows], dtype=np.int64),
            requests=np.ones(len(rows), dtype=np.int64),
            succeeded=1 - is_failed,
            failed=is_failed,
        ),
        first_seen=np.array([EPOCH + first[name] * SECONDS_PER_DAY for name in models]),
        last_used=np.array([EPOCH + (last[name] + 0.5) * SECONDS_PER_DAY for name in models]),
        size_bytes=np.array([(sizes or {}).get(name, np.nan) for name in models]),
    )
