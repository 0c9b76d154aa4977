"""What the dashboards ask of other people's servers and GPU exporters, in our units.

A panel asks each server that has the figure; those that are not there answer nothing. Names come from
``semconv/foreign_servers.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from genotel.promql import panel_queries as p
from genotel.promql.expression import Selector
from genotel.semconv import attributes as a
from genotel.semconv.foreign import Amount, ForeignGpus, ForeignServer
from genotel.semconv.foreign_servers import GPU_EXPORTERS, SERVERS

JOBS, INSTANCES = "label_values(up, job)", f"label_values({Selector('up', (p.JOB,))}, instance)"


class Asked(NamedTuple):
    """One question: its text, the label that tells its series apart, and whose metrics it reads."""

    text: str
    label: str
    title: str


def _scaled(expression: str, scale: float) -> str:
    return expression if scale == 1 else f"{scale:.12g} * {expression}"


def _servers(ask: Callable[[ForeignServer], str | None]) -> tuple[Asked, ...]:
    asked = ((server, ask(server)) for server in SERVERS)
    return tuple(Asked(text, server.model_label, server.title) for server, text in asked if text is not None)


def _durations() -> tuple[Asked, ...]:
    labels = {server.title: server.durations.model_label for server in SERVERS if server.durations is not None}
    return tuple(one._replace(label=labels[one.title] or one.label) for one in _servers(_mean_seconds))


def _here(name: str, matchers: Iterable[tuple[str, str, str]] = ()) -> Selector:
    return Selector(name, (*p.HERE, *matchers))


def _calls() -> tuple[Asked, ...]:
    # One question for each way to end: a sum over counters would be empty where one of them is not there yet.
    return tuple(
        Asked(
            p.rate(_here(calls.name, calls.matchers), server.model_label),
            server.model_label,
            f"{server.title} {calls.outcome}".strip(),
        )
        for server in SERVERS
        # What counts by activity counts tokens, not calls.
        if not server.is_activity
        for calls in server.calls
    )


def _mean_seconds(server: ForeignServer) -> str | None:
    spent = server.durations
    if spent is None:
        return None
    by = spent.model_label or server.model_label
    seconds, count = (p.rate(_here(name, spent.matchers), by) for name in (spent.seconds, spent.count))
    return _scaled(f"{seconds} / ({count} > 0)", spent.scale)


def _gauge(field: str) -> Callable[[ForeignServer], str | None]:
    def ask(server: ForeignServer) -> str | None:
        amount: Amount | None = getattr(server, field)
        return None if amount is None else _scaled(p.greatest(_here(amount.name), server.model_label), amount.scale)

    return ask


def _counter(field: str) -> Callable[[ForeignServer], str | None]:
    def ask(server: ForeignServer) -> str | None:
        amount: Amount | None = getattr(server, field)
        return None if amount is None else p.rate(_here(amount.name), server.model_label)

    return ask


def _quantile(field: str) -> Callable[[ForeignServer], str | None]:
    def ask(server: ForeignServer) -> str | None:
        amount: Amount | None = getattr(server, field)
        if amount is None:
            return None
        buckets = p.rate(_here(f"{amount.name}_bucket"), "le", server.model_label)
        return f"histogram_quantile(0.95, {buckets}) >= 0"

    return ask


CALLS = _calls()
FAILURES = tuple(one for one in CALLS if one.title.endswith(f" {a.OUTCOME_ERROR}"))
DURATION = _durations()
RUNNING, WAITING = _servers(_gauge("running")), _servers(_gauge("waiting"))
CACHE_USED = _servers(_gauge("cache_used"))
FIRST_TOKEN, BETWEEN_TOKENS = _servers(_quantile("first_token")), _servers(_quantile("between_tokens"))
INPUT_TOKENS, OUTPUT_TOKENS = _servers(_counter("input_tokens")), _servers(_counter("output_tokens"))


def _cards(field: str) -> tuple[Asked, ...]:
    def ask(exporter: ForeignGpus) -> str | None:
        amount: Amount | None = getattr(exporter, field)
        return None if amount is None else _scaled(p.greatest(_here(amount.name), exporter.gpu_label), amount.scale)

    asked = ((exporter, ask(exporter)) for exporter in GPU_EXPORTERS)
    return tuple(Asked(text, exporter.gpu_label, exporter.title) for exporter, text in asked if text is not None)


MEMORY_USED, MEMORY_FREE = _cards("memory_used"), _cards("memory_free")
BUSY, TEMPERATURE, POWER = _cards("utilization"), _cards("temperature"), _cards("power")
