"""Write a history as OpenMetrics with timestamps: the pages that would have been scraped, family by family.

Each series stands in one run of lines: a value, and every moment at which it was still that.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from genotel.actions.backfill.uses import Uses
from genotel.semconv import attributes as a
from genotel.semconv.generation_metrics import DURATION, REQUESTS
from genotel.semconv.model_metrics import LOAD_DURATION, MODEL_SIZE
from genotel.semconv.spec import MetricSpec, label_name

_OURS = {label_name(a.SCOPE_NAME): a.SCOPE}
_MODEL, _OPERATION, _PROVIDER, _OUTCOME = map(label_name, (a.MODEL, a.OPERATION, a.PROVIDER, a.OUTCOME))
_ERROR, _SOURCE = map(label_name, (a.ERROR_TYPE, a.LOAD_SOURCE))
# Unix times, and the value that holds from then on.
_Changes = list[tuple[float, float]]
# Stands in lines for the time of a scrape; no label holds it.
_TIME = "\0"


@dataclass(frozen=True, slots=True)
class Target:
    """Say whom Prometheus would have scraped, how often, and what else its series are called.

    Attributes:
        job, instance: as those of the page that is scraped from now on, so that its history goes on.
        interval: seconds between two scrapes.
        labels: further labels of every series.
    """

    job: str
    instance: str
    interval: float = 60.0
    labels: Mapping[str, str] = field(default_factory=dict)


def openmetrics(uses: Uses, target: Target) -> Iterator[str]:
    """Yield the text piece by piece; every piece ends with a line end, the last is ``# EOF``.

    A model's counters begin at 0 one scrape before its first use, for every outcome, and never go back.

    Example:
        >>> day = Uses(0.0, 120.0, ((0.0, 120.0),), (), (), {})
        >>> print("".join(openmetrics(day, Target("app", "a:1"))), end="")
        # TYPE up gauge
        up{instance="a:1",job="app"} 1 0
        up{instance="a:1",job="app"} 1 60
        up{instance="a:1",job="app"} 1 120
        # EOF
    """
    scrapes = _Scrapes(uses, target)
    yield "# TYPE up gauge\n"
    yield from scrapes.ups()
    if uses.uses:
        yield from _requests(uses, scrapes)
        yield from _durations(uses, scrapes)
    if uses.loads:
        yield from _loads(uses, scrapes)
    if uses.sizes:
        yield f"# TYPE {MODEL_SIZE.family} gauge\n"
        for model, size in sorted(uses.sizes.items()):
            yield from scrapes.series(MODEL_SIZE.prometheus_name, {_MODEL: model}, [(-1.0, size)])
    yield "# EOF\n"


class _Scrapes:
    """The moments of the scrapes, and lines of series at them."""

    def __init__(self, uses: Uses, target: Target) -> None:
        step = target.interval
        first, last = int(-(-uses.start // step)), int(uses.end // step)
        times = [number * step for number in range(first, last + 1)]
        if not times or times[-1] < uses.end:
            # The last use must have been seen.
            times.append(uses.end)
        self._watched = [any(start <= time <= end for start, end in uses.watched) for time in times]
        # A program that is not there is asked and says nothing.
        self.times = [time for time, is_watched in zip(times, self._watched, strict=True) if is_watched]
        self._all = [_number(time) for time in times]
        self._said = [_number(time) for time in self.times]
        self._target = {"job": target.job, "instance": target.instance, **target.labels}

    def ups(self) -> Iterator[str]:
        prefix = f"up{_written(self._target)}"
        lines = (f"{prefix} {int(is_up)} {time}\n" for is_up, time in zip(self._watched, self._all, strict=True))
        yield "".join(lines)

    def series(self, name: str, labels: Mapping[str, str], changes: _Changes) -> Iterator[str]:
        """Yield a series' lines, from each change to the next."""
        return self.group([(name, labels, changes)])

    def group(self, series: Sequence[tuple[str, Mapping[str, str], _Changes]]) -> Iterator[str]:
        """Yield the lines of series that belong together, such as a histogram's, one scrape after the other."""
        prefixes = [f"{name}{_written({**self._target, **_OURS, **labels})} " for name, labels, _ in series]
        values: dict[int, dict[int, float]] = {}
        for number, (_, _, changes) in enumerate(series):
            for time, value in changes:
                values.setdefault(bisect.bisect_left(self.times, time), {})[number] = value
        now: dict[int, float] = {}
        begins = sorted(values)
        for begin, end in zip(begins, [*begins[1:], len(self._said)], strict=True):
            now.update(values[begin])
            lines = "".join(f"{prefixes[number]}{_number(now[number])} {_TIME}\n" for number in sorted(now))
            yield "".join([lines.replace(_TIME, said) for said in self._said[begin:end]])

    def before(self, time: float) -> float:
        """Return the moment of the last scrape before ``time``, or of the first of all."""
        place = bisect.bisect_left(self.times, time) - 1
        return self.times[max(place, 0)] if self.times else time


def _requests(uses: Uses, scrapes: _Scrapes) -> Iterator[str]:
    times: defaultdict[tuple[str, ...], defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for use in uses.uses:
        times[use.model, use.operation, use.provider][use.outcome].append(use.time)
    yield f"# TYPE {REQUESTS.family} counter\n"
    for key, by_outcome in sorted(times.items()):
        born = scrapes.before(min(min(moments) for moments in by_outcome.values()))
        for outcome in a.OUTCOMES:
            labels = {**_call(key), _OUTCOME: outcome}
            yield from scrapes.series(REQUESTS.prometheus_name, labels, _counted(born, by_outcome[outcome]))


def _durations(uses: Uses, scrapes: _Scrapes) -> Iterator[str]:
    found: defaultdict[tuple[str, ...], list[tuple[float, float]]] = defaultdict(list)
    for use in uses.uses:
        if use.seconds is not None:
            error = use.outcome if use.outcome in {a.OUTCOME_ERROR, a.OUTCOME_OUT_OF_MEMORY} else ""
            found[use.model, use.operation, use.provider, error].append((use.time, use.seconds))
    labelled = (({**_call(key), **({_ERROR: key[3]} if key[3] else {})}, times) for key, times in sorted(found.items()))
    yield from _histogram(DURATION, labelled, scrapes)


def _loads(uses: Uses, scrapes: _Scrapes) -> Iterator[str]:
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for load in uses.loads:
        found[load.model].append((load.time, load.seconds))
    labelled = (({_MODEL: model}, times) for model, times in sorted(found.items()))
    yield from _histogram(LOAD_DURATION, labelled, scrapes)


def _histogram(
    spec: MetricSpec, labelled: Iterable[tuple[dict[str, str], list[tuple[float, float]]]], scrapes: _Scrapes
) -> Iterator[str]:
    yield f"# TYPE {spec.family} histogram\n"
    for labels, times in labelled:
        born = scrapes.before(times[0][0])
        parts: list[tuple[str, Mapping[str, str], _Changes]] = []
        for bound in (*spec.buckets, float("inf")):
            inside = [time for time, seconds in times if seconds <= bound]
            parts.append((f"{spec.family}_bucket", {**labels, "le": _bound(bound)}, _counted(born, inside)))
        parts.append((f"{spec.family}_count", labels, _counted(born, [time for time, _ in times])))
        total, changes = 0.0, [(born, 0.0)]
        for time, seconds in times:
            total += seconds
            changes.append((time, total))
        parts.append((f"{spec.family}_sum", labels, changes))
        yield from scrapes.group(parts)


def _counted(born: float, times: list[float]) -> _Changes:
    return [(born, 0.0), *((time, float(count)) for count, time in enumerate(times, 1))]


def _call(key: tuple[str, ...]) -> dict[str, str]:
    return {_MODEL: key[0], _OPERATION: key[1], _PROVIDER: key[2]}


def _written(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in sorted(labels.items())) + "}"


def _escaped(text: str) -> str:
    return text.replace(_TIME, "").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _bound(value: float) -> str:
    return "+Inf" if value == float("inf") else repr(value)
