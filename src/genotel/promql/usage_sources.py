"""Who counts calls: genotel itself, the servers of ``semconv.foreign_servers``, and what a user wrote down.

Each is made of the same parts, so that one way of counting serves them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from genotel.errors import SettingsError
from genotel.promql.expression import Selector
from genotel.promql.selecting import Matcher
from genotel.semconv import attributes as a
from genotel.semconv.foreign import OUTCOME_UNKNOWN, Calls, ForeignServer, Seconds
from genotel.semconv.foreign_servers import SERVERS
from genotel.semconv.generation_metrics import NEWER, OLDER, REQUESTS
from genotel.semconv.model_metrics import LOAD_DURATION
from genotel.semconv.spec import MetricSpec, label_name

OURS_NAME = "genotel"
OWN_NAME = "own"
MODEL_LABEL = label_name(a.MODEL)
OUTCOME_LABEL = label_name(a.OUTCOME)
# Stands for the length of the window in a query that a user wrote.
WINDOW = "$window"
_SUFFIXES = ("_total", "_count")
_PLAIN = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?", re.DOTALL)
_PLAIN_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class CallCounter:
    """Say how a counter of calls is read.

    Attributes:
        selector: its series.
        model_label: the label with the model.
        outcomes: matchers and the outcome of the series that they all fit; the first that fits counts.
            None where the label of our own outcomes tells.
        is_activity: whether it counts something that moves with each call instead of calls.
        is_part: whether what it counts is counted by another counter of its source too: failures of calls.
    """

    selector: Selector
    model_label: str = MODEL_LABEL
    outcomes: tuple[tuple[tuple[Matcher, ...], str], ...] | None = None
    is_activity: bool = False
    is_part: bool = False

    @property
    def created(self) -> Selector:
        """Return the selector of the series that tell when each was created."""
        name = self.selector.name
        stem = next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)
        return self.selector.renamed(f"{stem}_created")

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels that tell model and outcome."""
        if self.outcomes is None:
            return self.model_label, OUTCOME_LABEL
        told = {label for matchers, _ in self.outcomes for label, _, _ in matchers}
        return self.model_label, *sorted(told - {self.model_label})

    def outcome(self, labels: Mapping[str, str]) -> str | None:
        """Return the outcome of a series; None where it is not among what is counted.

        Example:
            >>> counter = CallCounter(Selector("x_total"), "model", (((("code", "!=", "200"),), "error"), ((), "ok")))
            >>> counter.outcome({"code": "500"}), counter.outcome({"code": "200"})
            ('error', 'ok')
        """
        if self.outcomes is None:
            return labels.get(OUTCOME_LABEL, OUTCOME_UNKNOWN)
        fitting = (outcome for matchers, outcome in self.outcomes if all(_fits(labels, one) for one in matchers))
        return next(fitting, None)


@dataclass(frozen=True, slots=True)
class WindowQuery:
    """Hold a query that gives how many calls of each model there were in a window.

    Attributes:
        text: PromQL with :data:`WINDOW` for the window's length.
        model_label: the label with the model.
        is_part: as in :class:`CallCounter`.
    """

    text: str
    model_label: str
    is_part: bool = False

    def outcome(self, labels: Mapping[str, str]) -> str | None:
        """Return the outcome of what it gives."""
        return a.OUTCOME_ERROR if self.is_part else OUTCOME_UNKNOWN


@dataclass(frozen=True, slots=True)
class SecondsCounter:
    """Say how time is read: a counter of it, a counter of what it was spent on, and seconds in its unit."""

    seconds: Selector
    count: Selector
    model_label: str = MODEL_LABEL
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class UsageSource:
    """Hold all that one source tells of use.

    Attributes:
        name: what ``--source`` and the evidence call it.
        counters: each call is counted by one of those that are no part.
        queries: the same, for what a user wrote as a query.
        durations: of calls; each call in one of them.
        loads: of models into memory.
    """

    name: str
    counters: tuple[CallCounter, ...] = ()
    queries: tuple[WindowQuery, ...] = ()
    durations: tuple[SecondsCounter, ...] = ()
    loads: tuple[SecondsCounter, ...] = ()

    @property
    def counter_names(self) -> frozenset[str]:
        """Return the names of the counters of calls."""
        return frozenset(counter.selector.name for counter in self.counters)


def _ours(spec: MetricSpec, suffix: str = "") -> Selector:
    return Selector(spec.prometheus_name + suffix, ((label_name(a.SCOPE_NAME), "=", a.SCOPE),))


def _our_seconds(spec: MetricSpec) -> SecondsCounter:
    return SecondsCounter(_ours(spec, "_sum"), _ours(spec, "_count"))


OURS = UsageSource(
    OURS_NAME,
    counters=(CallCounter(_ours(REQUESTS)),),
    durations=(_our_seconds(OLDER.duration), _our_seconds(NEWER.duration)),
    loads=(_our_seconds(LOAD_DURATION),),
)


def foreign_source(server: ForeignServer) -> UsageSource:
    """Return how a server that is not ours is read: counters of one name together, as a query gives them."""
    return UsageSource(
        server.name,
        counters=tuple(_counter(server, list(calls)) for _, calls in groupby(server.calls, lambda calls: calls.name)),
        durations=_seconds(server, server.durations),
        loads=_seconds(server, server.loads),
    )


def _counter(server: ForeignServer, calls: list[Calls]) -> CallCounter:
    shared = tuple(matcher for matcher in calls[0].matchers if all(matcher in other.matchers for other in calls))
    outcomes = tuple(
        (tuple(matcher for matcher in one.matchers if matcher not in shared), one.outcome) for one in calls
    )
    return CallCounter(Selector(calls[0].name, shared), server.model_label, outcomes, server.is_activity)


def _seconds(server: ForeignServer, seconds: Seconds | None) -> tuple[SecondsCounter, ...]:
    if seconds is None:
        return ()
    spent, count = (Selector(name, seconds.matchers) for name in (seconds.seconds, seconds.count))
    return (SecondsCounter(spent, count, seconds.model_label or server.model_label, seconds.scale),)


# In the order in which they are believed.
SOURCES: tuple[UsageSource, ...] = (OURS, *(foreign_source(server) for server in SERVERS))


def own_source(
    requests: str, failures: str | None, duration: str | None, loads: str | None, model_label: str
) -> UsageSource:
    """Return the source that a user wrote down.

    Args:
        requests: a counter of calls with its matchers, or any query with ``$window`` in it.
        failures: of the same; of those calls, the ones that failed.
        duration: a histogram of calls in seconds, with its matchers.
        loads: a histogram of loads of models in seconds, with its matchers.
        model_label: the label that has the model in all of them.

    Raises:
        SettingsError: one of them is neither, naming its key.

    Example:
        >>> own_source('my_total{env="prod"}', None, None, None, "model").counters[0].selector.name
        'my_total'
    """
    counters: list[CallCounter] = []
    queries: list[WindowQuery] = []
    for key, text, is_part in (("requests", requests, False), ("failures", failures, True)):
        if text is None:
            continue
        if WINDOW in text:
            queries.append(WindowQuery(text, model_label, is_part))
        else:
            outcome = a.OUTCOME_ERROR if is_part else OUTCOME_UNKNOWN
            counters.append(CallCounter(_plain(key, text), model_label, (((), outcome),), is_part=is_part))
    return UsageSource(
        OWN_NAME,
        tuple(counters),
        tuple(queries),
        durations=_own_seconds("duration", duration, model_label),
        loads=_own_seconds("loads", loads, model_label),
    )


def _own_seconds(key: str, text: str | None, model_label: str) -> tuple[SecondsCounter, ...]:
    if text is None:
        return ()
    histogram = _plain(key, text)
    seconds, count = (histogram.renamed(f"{histogram.name}_{part}") for part in ("sum", "count"))
    return (SecondsCounter(seconds, count, model_label),)


def sources_named(names: Iterable[str], own: UsageSource | None = None) -> tuple[UsageSource, ...]:
    """Return the sources of some names, in the order in which they are believed; all for none.

    Raises:
        SettingsError: there is no such source.
    """
    known = (*SOURCES[:1], *((own,) if own is not None else ()), *SOURCES[1:])
    wanted = frozenset(names)
    unknown = sorted(wanted - {source.name for source in known})
    if unknown:
        all_names = ", ".join(source.name for source in known)
        raise SettingsError(f"unknown source {unknown[0]!r}; the sources of usage are {all_names}")
    return tuple(source for source in known if not wanted or source.name in wanted)


def _plain(key: str, text: str) -> Selector:
    """Return a metric with its matchers as a selector."""
    found = _PLAIN.fullmatch(text.strip())
    inside = "" if found is None else found.group(2) or ""
    matchers, position = [], 0
    while found is not None and position < len(inside.rstrip()):
        one = _PLAIN_MATCHER.match(inside, position)
        if one is None:
            found = None
            break
        label, operator, value = one.groups()
        matchers.append((label, operator, re.sub(r"\\(.)", _unescaped, value)))
        position = one.end()
    if found is None:
        hint = f", nor a query with {WINDOW}" if key in {"requests", "failures"} else ""
        raise SettingsError(f"[sources] {key}: {text!r} is no metric such as 'my_metric{{env=\"prod\"}}'{hint}")
    return Selector(found.group(1), tuple(matchers))


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found.group(1) == "n" else found.group(1)


def _fits(labels: Mapping[str, str], matcher: Matcher) -> bool:
    label, operator, value = matcher
    has = labels.get(label, "")
    is_equal = has == value if operator in {"=", "!="} else re.fullmatch(value, has) is not None
    return is_equal == (operator in {"=", "=~"})
