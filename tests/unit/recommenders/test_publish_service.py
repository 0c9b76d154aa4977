"""The life of the watch: its page, its lock, and its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from genotel.errors import InputError, SettingsError
from genotel.history.usage import UsageHistory
from genotel.recommenders.publish_service import watch
from genotel.settings import Settings, load_settings
from tests.watching import KINDS, Told, days


@pytest.fixture
def short(tmp_path: Path) -> Callable[..., Settings]:
    """Return settings of a watch that looks often, on any port."""

    def made(**more: object) -> Settings:
        given = {"watch_port": 0, "watch_interval_seconds": 1, "watch_memory": str(tmp_path / "state" / "advice.json")}
        return load_settings({**given, **more}, environ={})

    return made


def test_the_watch_looks_until_it_is_interrupted(short: Callable[..., Settings]) -> None:
    """Its page is served meanwhile; what it learned is in its memory, and the port is free again."""
    said: list[str] = []

    @dataclass
    class Twice:
        looks: int = 0

        def load_usage(self) -> UsageHistory:
            self.looks += 1
            if self.looks == 2:
                raise KeyboardInterrupt
            return days(60)

    settings = short()
    with pytest.raises(KeyboardInterrupt):
        watch(Twice(), KINDS, settings, say=said.append)
    assert said[0].startswith("advice on http://127.0.0.1:")
    assert settings.watch.watch_memory is not None
    assert settings.watch.watch_memory.exists()


def test_two_watches_do_not_share_a_memory(short: Callable[..., Settings]) -> None:
    """The second one would judge the claims of the first, and each would forget what the other learned."""
    begun, end = threading.Event(), threading.Event()

    class Slow:
        def load_usage(self) -> UsageHistory:
            begun.set()
            end.wait(10.0)
            raise KeyboardInterrupt

    def first() -> None:
        with pytest.raises(KeyboardInterrupt):
            watch(Slow(), KINDS, short())

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert begun.wait(10.0)
        with pytest.raises(InputError, match="another genotel recommend --watch uses this memory"):
            watch(Slow(), KINDS, short())
    finally:
        end.set()
        thread.join()


def test_places_that_cannot_be_had_are_named(short: Callable[..., Settings], tmp_path: Path) -> None:
    """An address that is not ours, a folder that is a file."""
    with pytest.raises(SettingsError, match=r"cannot serve on 192\.0\.2\.1 port 0"):
        watch(Told(days(5)), KINDS, short(watch_host="192.0.2.1"))
    damaged = tmp_path / "damaged.json"
    damaged.write_text("{}")
    with pytest.raises(InputError, match="is no memory of advice"):
        watch(Told(days(5)), KINDS, short(watch_memory=str(damaged)))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="the memory of advice cannot be kept here"):
        watch(Told(days(5)), KINDS, short(watch_memory=str(tmp_path / "file" / "advice.json")))
