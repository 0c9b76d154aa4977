"""A watcher of the recommender with a source that tells what it is given, and what its page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from genotel.clock import Clock
from genotel.exposition.page import Page
from genotel.history.kept import KeptHistories
from genotel.history.usage import UsageHistory
from genotel.prometheus_api.query_times import QueryTimes
from genotel.recommenders.publish import AdvicePage
from genotel.recommenders.publish_watch import Watcher
from genotel.recommenders.publish_webhook import Webhook
from genotel.settings import load_settings
from histories import EPOCH, history
from tests.pages import labelled, read_page

DAY = 86_400.0
KINDS = ("cleanup", "preload")
Values = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass
class Told:
    """Be a source that tells what it is given, at a time that is given."""

    known: UsageHistory | Exception
    now: float = EPOCH
    said: list[str] = field(default_factory=list)

    def load_usage(self) -> UsageHistory:
        """Return the history, or fail."""
        if isinstance(self.known, Exception):
            raise self.known
        return self.known

    @property
    def clock(self) -> Clock:
        """Return a clock that stands still."""
        return Clock(wall=lambda: self.now, monotonic=lambda: self.now)


def days(until: int, *, revived: bool = False, hidden: tuple[int, ...] = ()) -> UsageHistory:
    """Return a history of a model that is used daily and of one that died on the fourth day, or came back."""
    dead = [0, 1, 2, 3, *([until - 1] if revived else [])]
    return history({"busy": range(until), "dead": dead}, days=until, sizes={"dead": 7e9}, hidden=hidden)


def watcher(told: Told, memory: Path | None = None, most: int = 200, webhook: Webhook | None = None) -> Watcher:
    """Return a watcher of a source with a page of its own."""
    page = AdvicePage(
        most=most,
        keep_seconds=DAY,
        has_webhook=webhook is not None,
        clock=told.clock,
        kept=KeptHistories(told.clock),
        times=QueryTimes(),
    )
    return Watcher(
        told,
        KINDS,
        load_settings({"watch_series": most}, environ={}),
        page,
        memory,
        webhook,
        told.said.append,
        told.clock,
        KeptHistories(),
    )


def shown(of: Watcher) -> Values:
    """Return what the page shows, by name and labels."""
    return read_page(Page([of.page]))


def advised(values: Values) -> dict[str, set[str]]:
    """Return the models that advice is shown about, by kind."""
    found: dict[str, set[str]] = {}
    for (name, labels), value in values.items():
        if name == "genotel_advice_open":
            assert value == 1
            by_name = dict(labels)
            found.setdefault(by_name["genotel_kind"], set()).add(by_name["gen_ai_request_model"])
    return found


def of(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return the key of a series of ours."""
    return labelled(name, otel_scope_name="genotel", **labels)
