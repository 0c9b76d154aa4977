"""The two learners behind the survival forecast: a small network, and ridge logistic regression."""

from __future__ import annotations

import numpy as np

from genotel.analysis.use_features import Singles
from genotel.history.hourly import Floats

_HIDDEN = 32
_BATCH = 1024
_RATE = 3e-3
_DECAY = 1e-4


class SurvivalNetwork:
    """Map features to the logits of several horizons: one hidden layer with a linear path beside it.

    Trained by Adam (Kingma and Ba, 2015); the averaged weights answer (Polyak and Juditsky, 1992).

    Args:
        features: number of inputs F.
        horizons: number of outputs H.
        seed: of its first weights and of the order of examples.
    """

    def __init__(self, features: int, horizons: int, seed: int) -> None:
        self._random = random = np.random.default_rng(seed)
        shapes = (
            random.normal(size=(features, _HIDDEN)) * np.sqrt(2 / features),
            np.zeros(_HIDDEN),
            random.normal(size=(_HIDDEN, horizons)) * 0.1,
            np.zeros(horizons),
            np.zeros((features, horizons)),
        )
        self._weights = [values.astype(np.float32) for values in shapes]
        self._momentum = [np.zeros_like(values) for values in self._weights]
        self._scale = [np.zeros_like(values) for values in self._weights]
        self._averaged = [values.copy() for values in self._weights]
        self._steps = 0

    def logits(self, features: Singles) -> Singles:
        """Return the logits of rows of features (R, F), shape (R, H)."""
        return self._forward(self._averaged, features)[1]

    def fit(self, features: Singles, labels: Singles, weights: Singles, epochs: int) -> None:
        """Go on learning from R examples: features (R, F), labels and their weights (R, H)."""
        for epoch in range(epochs):
            order = self._random.permutation(len(features))
            rate = _RATE * (1 - 0.8 * epoch / epochs)
            for first in range(0, max(len(order) - _BATCH + 1, 1), _BATCH):
                rows = order[first : first + _BATCH]
                self._step(features[rows], labels[rows], weights[rows], rate)

    def _forward(self, weights: list[Singles], features: Singles) -> tuple[Singles, Singles]:
        inner, shift, outer, base, straight = weights
        hidden = np.maximum(features @ inner + shift, 0)
        return hidden, hidden @ outer + base + features @ straight

    def _step(self, features: Singles, labels: Singles, weights: Singles, rate: float) -> None:
        self._steps += 1
        hidden, logits = self._forward(self._weights, features)
        error = (1 / (1 + np.exp(-np.clip(logits, -15, 15))) - labels) * weights / len(features)
        back = (error @ self._weights[2].T) * (hidden > 0)
        gradients = (
            features.T @ back + _DECAY * self._weights[0],
            back.sum(axis=0),
            hidden.T @ error + _DECAY * self._weights[2],
            error.sum(axis=0),
            features.T @ error + _DECAY * self._weights[4],
        )
        step = rate * np.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps)
        average = max(0.01, 1 / (self._steps + 1))
        parts = zip(self._weights, gradients, self._momentum, self._scale, self._averaged, strict=True)
        for values, gradient, momentum, scale, averaged in parts:
            momentum *= 0.9
            momentum += 0.1 * gradient
            scale *= 0.999
            scale += 0.001 * gradient * gradient
            values -= step * momentum / (np.sqrt(scale) + 1e-8)
            averaged += average * (values - averaged)


def fit_logistic(
    features: Floats | Singles,
    labels: Floats | Singles,
    weights: Floats | Singles,
    start: Floats,
    *,
    steps: int,
    ridge: float = 3.0,
) -> Floats:
    """Return the coefficients (F,) of a weighted ridge logistic regression, by damped Newton steps.

    Args:
        features: shape (R, F).
        labels: shape (R,), 0 or 1.
        weights: shape (R,).
        start: shape (F,), the coefficients to begin from.
        steps: how many steps are made.
        ridge: strength of the pull to 0.

    Example:
        >>> ones = np.ones((8, 1))
        >>> labels = np.array([1.0, 1, 1, 1, 1, 1, 0, 0])
        >>> found = fit_logistic(ones, labels, np.ones(8), np.zeros(1), steps=9, ridge=1e-9)
        >>> round(float(1 / (1 + np.exp(-found[0]))), 6)
        0.75
    """
    coefficients = start
    for _ in range(steps):
        expected = 1 / (1 + np.exp(-np.clip(features @ coefficients, -30, 30)))
        curvature = weights * expected * (1 - expected) + 1e-6
        hessian = (features * curvature[:, np.newaxis]).T @ features + ridge * np.eye(len(coefficients))
        step = np.linalg.solve(hessian, features.T @ (weights * (labels - expected)) - ridge * coefficients)
        coefficients = coefficients + step * min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-12))
    return coefficients
