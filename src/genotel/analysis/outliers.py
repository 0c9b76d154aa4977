"""How far one value lies above the others of its kind, for few values: a prediction interval."""

from __future__ import annotations

import numpy as np

from genotel.history.hourly import Floats

_STEPS = 4000


def chance_above_peers(values: Floats) -> Floats:
    """Return for each value the chance that one more of the others' kind would be at least as large, shape (N,).

    Student's distribution of one new value of a normal population, the value itself left out; with fewer
    than three others 1.

    Args:
        values: shape (N,), on a scale on which they are about normal, such as logarithms of seconds.

    Example:
        >>> chance_above_peers(np.array([0.0, 0.1, -0.1, 0.05, 3.0])).round(4).tolist()
        [0.6605, 0.6346, 0.686, 0.6476, 0.0]
    """
    count = len(values)
    others = count - 1
    if others < 3:
        return np.ones(count)
    mean = (values.sum() - values) / others
    spread = np.sqrt(np.maximum((np.sum(values**2) - values**2 - others * mean**2) / (others - 1), 0.0))
    # Others that are all equal would make the least difference certain.
    spread = np.maximum(spread, 1e-9)
    return upper_tail((values - mean) / (spread * np.sqrt(1 + 1 / others)), others - 1)


def upper_tail(t: Floats, degrees: int) -> Floats:
    """Return P(T > t) of Student's distribution, by the substitution of an angle for t.

    Example:
        >>> upper_tail(np.array([0.0, 2.015]), 5).round(4).tolist()
        [0.5, 0.05]
    """
    # With t = sqrt(degrees) tan(angle) the density is cos(angle) ** (degrees - 1), on a finite range.
    edges = np.linspace(-np.pi / 2, np.pi / 2, _STEPS + 1)
    density = np.cos((edges[:-1] + edges[1:]) / 2) ** (degrees - 1)
    below = np.concatenate([[0.0], np.cumsum(density)]) / density.sum()
    tail: Floats = 1 - np.interp(np.arctan(t / np.sqrt(degrees)), edges, below)
    return tail
