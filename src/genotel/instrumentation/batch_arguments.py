"""Checks of the arguments of batch statistics, which refuse a mistake by its name, at once."""

from __future__ import annotations

from math import isfinite

from genotel.errors import SettingsError


class ArgumentError(SettingsError, ValueError):
    """Refuse an argument, naming it."""


def whole(name: str, value: object, low: int, high: int) -> int:
    """Return a whole number from ``low`` to ``high``, else refuse it.

    Example:
        >>> whole("window_size", 0, 1, 10)
        Traceback (most recent call last):
        genotel.instrumentation.batch_arguments.ArgumentError: window_size must be a whole number from 1 to 10, not 0
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ArgumentError(f"{name} must be a whole number from {low} to {high}, not {_shown(value)}")
    return value


def number(name: str, value: object, low: float, *, above: bool = False) -> float:
    """Return a finite number that is at least ``low``, or above it, else refuse it."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    if not good or value < low or (above and value == low):  # type: ignore[operator]  # good says it is a number
        bound = f"above {low:g}" if above else f"of at least {low:g}"
        raise ArgumentError(f"{name} must be a number {bound}, not {_shown(value)}")
    return float(value)  # type: ignore[arg-type]  # as above


def share(name: str, value: object) -> float:
    """Return a number from 0 to 1, else refuse it."""
    if number(name, value, 0.0) > 1:
        raise ArgumentError(f"{name} must be a number from 0 to 1, not {_shown(value)}")
    return float(value)  # type: ignore[arg-type]  # number() has looked


def text(name: str, value: object) -> str:
    """Return a text that is not empty, else refuse it."""
    if not isinstance(value, str) or not value:
        raise ArgumentError(f"{name} must be a text that is not empty, not {_shown(value)}")
    return value


def one_of(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return one of the choices, else refuse it, naming them."""
    if value not in choices:
        raise ArgumentError(f"{name} must be one of {', '.join(choices)}, not {_shown(value)}")
    return str(value)


def _shown(value: object) -> str:
    return repr(value)[:80]
