"""Every test starts from a clean environment, an empty home and no open network but loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from genotel import guard

# A shared machine may pause for longer than any deadline. The rest is Hypothesis' own choice, which
# is to draw the same examples every time in CI.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be written anew instead of compared."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a test once more in CI when it fails; the summary names it as rerun.

    Servers, forks, threads and kills at random moments are there, on a machine that others use too.
    """
    if os.environ.get("CI") == "true":
        for item in items:
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Allow sockets to loopback only."""
    from pytest_socket import socket_allow_hosts

    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def strict_guard() -> Iterator[None]:
    """Let faults of ours fail the test instead of being swallowed.

    Set up before ``monkeypatch`` and so ended after it, since tests that want faults swallowed use it.
    """
    guard.reset()
    with guard.strict():
        yield
    guard.reset()


@pytest.fixture(autouse=True)
def clean_environment(
    strict_guard: None, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Remove our variables and give the test an empty home and working folder."""
    for name in list(os.environ):
        if name.startswith(("GENOTEL_", "OTEL_")):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(home)
    return home


def require(path: str | None, what: str) -> str:
    """Return ``path``; where it is None skip on a laptop and fail in CI."""
    if path is None:
        message = f"{what} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path
