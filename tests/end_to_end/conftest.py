"""What holds for every test that starts real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.leftovers import end_all


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """End what a test that failed left running: it would be found in another test, much later."""
    yield
    end_all()
