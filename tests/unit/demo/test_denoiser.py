"""The model really denoises, does what the prompt says, and refuses what it cannot do."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genotel.demo.denoiser import SHAPES, CanvasTooLargeError, Denoiser, UnknownShapeError

MODEL = Denoiser(side=16, pictures=100, seed=3)


def distance_to_a_picture(noisy):
    """Return how far a noisy picture is from the nearest one of the set."""
    return float(np.sqrt(((noisy - MODEL.pictures) ** 2).sum(axis=1).min()))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_error_falls_with_every_step(shape):
    """From noise that is far from any picture to a picture of the shape that was asked for."""
    steps = list(MODEL.denoise(MODEL.encode(f"a {shape}"), steps=20, seed=5))
    errors = [distance_to_a_picture(step.noisy) for step in steps]
    assert all(after < before for before, after in pairwise(errors))
    assert errors[0] > 100
    assert errors[-1] < 1
    nearest = int(((steps[-1].noisy - MODEL.pictures) ** 2).sum(axis=1).argmin())
    assert SHAPES[MODEL.shape_of[nearest]] == shape
    assert steps[-1].sigma == 0


def test_the_same_seed_makes_the_same_picture():
    """Another seed makes another one."""
    prior = MODEL.encode("a ring")
    pictures = [[*MODEL.denoise(prior, steps=5, seed=seed)][-1].noisy for seed in (1, 1, 2)]
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


@settings(max_examples=25, deadline=None)
@given(sigma=st.floats(0.02, 10.0), seed=st.integers(0, 1000))
def test_what_is_expected_is_a_mean_of_pictures(sigma, seed):
    """It never leaves their range, and with almost no noise it is the picture itself."""
    noise = np.random.default_rng(seed).standard_normal(256, dtype=np.float32)
    picture = MODEL.pictures[seed % 100]
    prior = np.zeros(100, dtype=np.float32)
    expected = MODEL.expect(picture + np.float32(sigma) * noise, sigma, prior)
    assert expected.min() >= -1.001
    assert expected.max() <= 1.001
    assert np.allclose(MODEL.expect(picture, 0.02, prior), picture, atol=1e-3)


def test_a_shape_that_no_picture_shows_is_refused():
    """Before any step is taken."""
    with pytest.raises(UnknownShapeError):
        MODEL.encode("a portrait")


def test_a_canvas_is_filled_with_the_picture():
    """Each of its pixels becomes a block of the canvas, black and white at 0 and 255."""
    canvas = MODEL.decode(MODEL.pictures[0], width=32, height=48)
    assert canvas.shape == (48, 32)
    assert canvas.dtype == np.uint8
    assert set(np.unique(canvas)) == {0, 255}


def test_a_canvas_over_the_budget_is_refused_as_memory_is():
    """So that it counts as out of memory, as it would with a real decoder."""
    MODEL.decode(MODEL.pictures[0], width=1024, height=1024)
    with pytest.raises(CanvasTooLargeError):
        MODEL.decode(MODEL.pictures[0], width=1025, height=1024)
    assert issubclass(CanvasTooLargeError, MemoryError)
