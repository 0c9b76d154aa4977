"""The queries of a history of use, for whoever counted: what is known, what is held, what was counted."""

from __future__ import annotations

from genotel.promql.catalog import TARGET_LABELS, Dialect, events
from genotel.promql.expression import Selector, duration, sum_by
from genotel.promql.selecting import Matcher
from genotel.promql.usage_sources import WINDOW, CallCounter, WindowQuery

# Of a server that missed some scrapes, the last one may be many short windows ago.
_BEFORE_SECONDS = 3600.0


def by_server(counter: CallCounter) -> tuple[str, ...]:
    """Return the labels that tell server, model and outcome, each once."""
    return tuple(dict.fromkeys((*TARGET_LABELS, *counter.labels)))


def most_held(counter: CallCounter, window_seconds: float) -> str:
    """Return the query for the most that each series of a counter held in a window, 0 included.

    By day it tells which models are known, and which series ever counted anything.
    """
    return f"max_over_time({counter.selector.over(window_seconds)})"


def series_there(counter: CallCounter, window_seconds: float) -> str:
    """Return the query for how many series of a counter there were in a window."""
    return f"count(last_over_time({counter.selector.over(window_seconds)}))"


def models_answered(query: WindowQuery, window_seconds: float) -> str:
    """Return the query for the models about which a user's query says anything in a window."""
    return f"count by ({query.model_label}) ({counted(query, window_seconds)})"


def counted(query: WindowQuery, window_seconds: float) -> str:
    """Return a user's query for a window.

    Example:
        >>> counted(WindowQuery("increase(x[$window])", "model"), 3600)
        'increase(x[1h])'
    """
    return query.text.replace(WINDOW, duration(window_seconds))


def calls_held(counter: CallCounter, window_seconds: float, *matchers: Matcher) -> str:
    """Return the query for the calls that each series has counted so far.

    The differences of its values are the calls of the time between as long as no server began anew:
    see :func:`beginnings`; where one did, :func:`calls_in` counts. Nothing is summed or compared, which
    for thousands of models would take a server several times as long.
    """
    chosen = Selector(counter.selector.name, (*counter.selector.matchers, *matchers))
    return f"last_over_time({chosen.over(window_seconds)})"


def beginnings(counter: CallCounter, window_seconds: float) -> str:
    """Return the query for how many series of each server fell or were created in a window; none at 0."""
    fell = f"resets({counter.selector.over(window_seconds)}) > 0"
    began = f"last_over_time({counter.created.over(window_seconds)}) > time() - {window_seconds:g}"
    return sum_by(TARGET_LABELS, f"({fell}) or ({began})")


def calls_in(counter: CallCounter, window_seconds: float, *matchers: Matcher, dialect: Dialect) -> str:
    """Return the query for the calls that ended in a window, exactly counted; none at 0.

    Where a counter of something else stands for calls, it is how often a scrape found more of it, and
    once where only the first scrape of the window did.
    """
    chosen = Selector(counter.selector.name, (*counter.selector.matchers, *matchers))
    created = Selector(counter.created.name, (*counter.created.matchers, *matchers))
    exact = events(chosen, window_seconds, created=created, before_seconds=_BEFORE_SECONDS, dialect=dialect)
    if counter.is_activity:
        exact = f"(changes({chosen.over(window_seconds)}) > 0) or (({exact}) > bool 0)"
    return f"{sum_by(by_server(counter), exact)} > 0"


def held(selector: Selector, window_seconds: float) -> str:
    """Return the query for what each series of a counter held last in a window."""
    return f"last_over_time({selector.over(window_seconds)})"
