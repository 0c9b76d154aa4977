"""Cases of the alerts on the error budget."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.semconv import recorded_series as r
from tools.alert_cases.calls import ERROR, MODEL, OF_MODEL, OK, recorded
from tools.alert_cases.case import Case, Series


def cases() -> Iterator[Case]:
    """Yield a case for each alert of the group."""
    yield from _failures()
    yield from _durations()


def _durations() -> Iterator[Case]:
    # Long and short window, share that fires of an objective of 95 %, share that does not, minute.
    for long, short, bad, below, at in (
        ("1h", "5m", 0.73, 0.71, 5),
        ("6h", "30m", 0.31, 0.29, 25),
        ("1d", "2h", 0.16, 0.14, 70),
        ("3d", "6h", 0.06, 0.04, 190),
    ):

        def shares(now: float, values: str, long: str = long, short: str = short, at: int = at) -> Series:
            more = at + 20 if values else at
            return {
                recorded(r.SLO_SLOW[long]): f"{now}x{more}",
                recorded(r.SLO_SLOW[short]): f"{now}x{at}{values}",
                recorded(r.SLO_TIMED[long]): f"100x{more}",
                f'{r.DURATION_OBJECTIVE.name}{{{MODEL}="sdxl"}}': f"0.95x{more}",
            }

        yield Case(
            "GenotelDurationBudgetBurn",
            OF_MODEL | {"window": long},
            shares(bad, ""),
            at,
            shares(below, ""),
            shares(bad, " 0x20"),
            at + 10,
            at + 10,
            extra=(("window", long),),
            step=1 if long == "1h" else 5,
        )


def _failures() -> Iterator[Case]:
    # Long window, share that fires, share that does not, minute, minutes until the short window is clean.
    for window, bad, below, at, clean in (
        ("1h", 0.15, 0.14, 70, 10),
        ("6h", 0.061, 0.059, 400, 45),
        ("1d", 0.031, 0.029, 400, 140),
        ("3d", 0.011, 0.009, 600, 380),
    ):
        values = {ERROR: f"0+{bad:g}x{at}", OK: f"0+{1 - bad:g}x{at}"}
        end = bad * at
        yield Case(
            "GenotelErrorBudgetBurn",
            OF_MODEL | {"window": window},
            values,
            at,
            {ERROR: f"0+{below:g}x{at}", OK: f"0+{1 - below:g}x{at}"},
            {ERROR: f"{values[ERROR]} {end:g}x{clean}", OK: f"0+{1 - bad:g}x{at + clean}"},
            at + clean,
            at + clean,
            extra=(("window", window),),
            step=1 if window == "1h" else 5,
        )
