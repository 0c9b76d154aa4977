"""What holds for every test that starts real servers and processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a test of this folder once more in CI when it fails; the summary names it as rerun."""
    if os.environ.get("CI") == "true":
        for item in items:
            if item.path.is_relative_to(HERE):
                item.add_marker(pytest.mark.flaky(reruns=1))
