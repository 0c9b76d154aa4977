"""A small image model that really denoises: numpy, no weights to download, some milliseconds a step.

It is the exact denoiser of a small set of pictures (Karras et al. 2022, "Elucidating the Design Space
of Diffusion-Based Generative Models", appendix B.3): the mean of all pictures, each weighted by how
likely the noise made what is seen out of it. From pure noise it walks to a picture of the set step by
step, with the same sampler as the large models have. All sums go by ``einsum``, which stays on one
core where a linear algebra library would take them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

SHAPES = ("disc", "ring", "square", "cross", "stripes")

# The schedule's constants: table 1 of the paper, for pictures between -1 and 1.
_SIGMA_MIN, _SIGMA_MAX, _RHO = 0.02, 10.0, 7.0
# What a model may use for one picture, in bytes: a larger canvas is refused.
MEMORY_BUDGET_BYTES = 4 * 2**20
_BYTES_PER_PIXEL = 4


class CanvasTooLargeError(MemoryError):
    """Refuse a canvas that does not fit into the memory budget."""


class UnknownShapeError(ValueError):
    """Refuse a prompt that names no shape of the set."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Hold one step: its noise level, the noisy picture after it, and the picture that is expected.

    ``noisy`` and ``expected`` have the shape (side * side,).
    """

    sigma: float
    noisy: Floats
    expected: Floats


class Denoiser:
    """Make pictures of simple shapes out of noise.

    Args:
        side: height and width of the pictures that it knows, in pixels.
        pictures: how many it knows; the time of a step grows with it.
        seed: decides where the shapes lie.

    Example:
        >>> model = Denoiser(side=8, pictures=20, seed=1)
        >>> steps = list(model.denoise(model.encode("a ring"), steps=5, seed=2))
        >>> model.decode(steps[-1].expected, width=16, height=16).shape
        (16, 16)
    """

    def __init__(self, *, side: int, pictures: int, seed: int) -> None:
        self.side = side
        numbers = np.random.default_rng(seed)
        # Shape of picture k, (K,), and the pictures themselves, (K, side * side).
        self.shape_of = np.arange(pictures) % len(SHAPES)
        self.pictures = np.stack([_draw(SHAPES[shape], side, numbers) for shape in self.shape_of])

    def encode(self, prompt: str) -> Floats:
        """Return the pictures' log-probabilities given a prompt, shape (K,).

        Raises:
            UnknownShapeError: the prompt names no shape of the set.
        """
        named = [index for index, shape in enumerate(SHAPES) if shape in prompt]
        if not named:
            raise UnknownShapeError
        return np.where(np.isin(self.shape_of, named), 0.0, -np.inf).astype(np.float32)

    def denoise(self, prior: Floats, *, steps: int, seed: int) -> Iterator[Estimate]:
        """Yield the estimate after each step from pure noise to a picture (Euler's method, algorithm 1).

        Args:
            prior: what :meth:`encode` returned.
            steps: how many steps to take.
            seed: decides the noise to begin with.
        """
        sigmas = _schedule(steps)
        noise = np.random.default_rng(seed).standard_normal(self.side * self.side, dtype=np.float32)
        noisy = noise * np.float32(sigmas[0])
        for sigma, after in zip(sigmas, [*sigmas[1:], 0.0], strict=True):
            expected = self.expect(noisy, sigma, prior)
            noisy = expected + np.float32(after / sigma) * (noisy - expected)
            yield Estimate(after, noisy, expected)

    def expect(self, noisy: Floats, sigma: float, prior: Floats) -> Floats:
        """Return the mean of the pictures that a noisy one may have been, shape (side * side,).

        Args:
            noisy: shape (side * side,).
            sigma: standard deviation of its noise.
            prior: log-probability of each picture, shape (K,).
        """
        apart = noisy - self.pictures
        log_weight = prior - np.einsum("kd,kd->k", apart, apart) / np.float32(2 * sigma**2)
        weight = np.exp(log_weight - log_weight.max())
        expected: Floats = np.einsum("k,kd->d", weight / weight.sum(), self.pictures)
        return expected

    def decode(self, picture: Floats, *, width: int, height: int) -> Pixels:
        """Return a picture on a canvas, shape (height, width), 0 to 255.

        Raises:
            CanvasTooLargeError: the canvas does not fit into the memory budget.
        """
        if width * height * _BYTES_PER_PIXEL > MEMORY_BUDGET_BYTES:
            raise CanvasTooLargeError
        grid = np.clip((picture.reshape(self.side, self.side) + 1) * 127.5, 0, 255).astype(np.uint8)
        rows, columns = np.arange(height) * self.side // height, np.arange(width) * self.side // width
        canvas: Pixels = grid[np.ix_(rows, columns)]
        return canvas


def _schedule(steps: int) -> list[float]:
    """Return the noise levels of the steps, falling (equation 5 of the paper)."""
    ramp = np.linspace(0.0, 1.0, steps)
    high, low = _SIGMA_MAX ** (1 / _RHO), _SIGMA_MIN ** (1 / _RHO)
    return [float(level) for level in (high + ramp * (low - high)) ** _RHO]


def _draw(shape: str, side: int, numbers: np.random.Generator) -> Floats:
    """Return a shape somewhere on an empty picture, between -1 and 1, shape (side * side,)."""
    centre_x, centre_y = numbers.uniform(0.3, 0.7, size=2)
    size = numbers.uniform(0.15, 0.3)
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side
    inside = _INSIDE[shape](x - centre_x, y - centre_y, size)
    return np.where(inside, 1.0, -1.0).astype(np.float32).ravel()


_Grid = npt.NDArray[np.float64]
_INSIDE: dict[str, Callable[[_Grid, _Grid, float], npt.NDArray[np.bool_]]] = {
    "disc": lambda x, y, size: np.hypot(x, y) < size,
    "ring": lambda x, y, size: np.abs(np.hypot(x, y) - size) < size / 4,
    "square": lambda x, y, size: np.maximum(np.abs(x), np.abs(y)) < size,
    "cross": lambda x, y, size: (
        (np.minimum(np.abs(x), np.abs(y)) < size / 4) & (np.maximum(np.abs(x), np.abs(y)) < size)
    ),
    "stripes": lambda x, y, size: np.sin(x * 2 * np.pi / size) > 0,
}
