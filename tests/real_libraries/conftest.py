"""Real libraries on the CPU: run by `make test-libraries`, in an environment of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from genotel.autoinstrument.registry import instrument, uninstrument
from tests.conftest import require
from tests.observed import Observed, observing

# With a thread for each core a tiny operation waits for the other thread, 4 to 80 times as long as it takes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

# No doctests in there, and it needs torch.
collect_ignore = ["tiny_models.py"]


def require_library(name: str) -> None:
    """Skip where a library is absent; fail where the job is there to test it."""
    found = find_spec(name)
    if os.environ.get("GENOTEL_TEST_LIBRARIES") == "true":
        require(None if found is None else str(found.origin), name)
    elif found is None:
        pytest.skip(f"{name} is not installed: make test-libraries")


@pytest.fixture
def observed() -> Iterator[Observed]:
    """Measure the test with providers of its own."""
    with observing() as observed:
        yield observed


@pytest.fixture
def measured() -> Iterator[None]:
    """Instrument every library while the test runs."""
    instrument()
    yield
    uninstrument()
