"""Cases of the alerts on the error budget."""

from __future__ import annotations

from collections.abc import Iterator

from tools.alert_cases.calls import ERROR, OF_MODEL, OK
from tools.alert_cases.case import Case


def cases() -> Iterator[Case]:
    """Yield a case for each alert of the group."""
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
