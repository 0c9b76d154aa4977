"""Real libraries on the CPU, in an environment of their own: `make test-libraries`, which CI's `make test` calls."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from genotel.autoinstrument.registry import instrument, uninstrument
from tests.observed import Observed, observing

# With a thread for each core a tiny operation waits for the other thread, 4 to 80 times as long as it takes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

# Whether this run is there to test the libraries; read here, since every test begins without our variables.
IS_ASKED = os.environ.get("GENOTEL_TEST_LIBRARIES") == "true"

# No doctests in there, and it needs torch.
collect_ignore = ["tiny_models.py"]


# These start programs that import torch, on a machine that may be busy.
_PROGRAMS = {Path(__file__).with_name("test_demo.py"), Path(__file__).with_name("test_zero_code.py")}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a test that starts a program once more in CI when it fails; the summary names it as rerun."""
    if os.environ.get("CI") == "true":
        for item in items:
            if item.path in _PROGRAMS:
                item.add_marker(pytest.mark.flaky(reruns=1))


def require_library(*names: str) -> None:
    """Skip where a library is absent; in a run that is there to test it a skipped test is a failed one."""
    for name in names:
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed: make test-libraries")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let no test be skipped in a run that is there for it."""
    report = yield
    if IS_ASKED and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped where it must run: {report.longreprtext}"
    return report


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
