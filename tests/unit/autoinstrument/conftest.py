"""A measured program, and stand-ins for the libraries that are measured in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from tests.observed import Observed, lenient, observing
from tests.stand_ins import stand_ins


@pytest.fixture
def observed() -> Iterator[Observed]:
    """Measure the test with providers of its own."""
    with observing() as observed:
        yield observed


@pytest.fixture
def forgiving() -> Iterator[None]:
    """Swallow faults of ours, as in a user's program."""
    with lenient():
        yield


@pytest.fixture
def load() -> Iterator[Callable[[str], ModuleType]]:
    """Return what imports a module of a stand-in."""
    with stand_ins() as load:
        yield load
