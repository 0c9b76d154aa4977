"""The tables ``[[slo.objectives]]`` of ``genotel.toml``: what was promised of one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genotel.semconv.buckets import DURATION_SECONDS
from genotel.settings.parsing import number_parser, parse_text

# Alerts fire at 14.4 times the even rate; a budget of more than 1 / 14.4 could never burn that fast.
LEAST, MOST = 0.935, 0.99999
_KEYS = ("model", "success", "duration_seconds", "duration_share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Say what was promised of one model over 30 days.

    Attributes:
        model: as it is called.
        success: share of its calls that must succeed; None where the one for all models holds.
        duration_seconds: time that good calls may take, a bound of a bucket; None where nothing was promised.
        duration_share: share of the good calls that must not take longer.
    """

    model: str
    success: float | None = None
    duration_seconds: float | None = None
    duration_share: float = 0.95


def parse_objectives(value: object) -> tuple[Objective, ...]:
    """Return the objectives of a list of tables.

    Raises:
        ValueError: saying which table is wrong, and what was expected.

    Example:
        >>> parse_objectives([{"model": "sdxl", "success": 0.999}])[0].success
        0.999
    """
    if not isinstance(value, list | tuple) or not all(isinstance(table, Mapping) for table in value):
        raise ValueError("expected tables, [[slo.objectives]]")
    objectives = tuple(_objective(table, number) for number, table in enumerate(value, 1))
    models = [objective.model for objective in objectives]
    twice = sorted({model for model in models if models.count(model) > 1})
    if twice:
        raise ValueError(f"two tables of {twice[0]}: expected one with all its keys")
    return objectives


def _objective(table: Mapping[str, object], number: int) -> Objective:
    where = f"table {number}"
    unknown = [key for key in table if key not in _KEYS]
    if unknown:
        raise ValueError(f"{where}: unknown key {unknown[0]}, expected {', '.join(_KEYS)}")
    if "model" not in table:
        raise ValueError(f"{where}: expected a model")
    if "success" not in table and "duration_seconds" not in table:
        raise ValueError(f"{where}: expected success or duration_seconds")
    if "duration_share" in table and "duration_seconds" not in table:
        raise ValueError(f"{where}: duration_share without duration_seconds")
    try:
        share = number_parser(LEAST, MOST)
        return Objective(
            model=parse_text(table["model"]),
            success=share(table["success"]) if "success" in table else None,
            duration_seconds=_bound(table["duration_seconds"]) if "duration_seconds" in table else None,
            duration_share=share(table.get("duration_share", 0.95)),
        )
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _bound(value: object) -> float:
    seconds = number_parser(DURATION_SECONDS[0], DURATION_SECONDS[-1])(value)
    if seconds in DURATION_SECONDS:
        return seconds
    # Between two bounds nobody knows how many calls were faster.
    below = max(bound for bound in DURATION_SECONDS if bound < seconds)
    raise ValueError(
        f"expected a bound of the buckets of durations: {below:g} and {2 * below:g} are next to {seconds:g}"
    )
