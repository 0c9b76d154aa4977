"""A user's own ``prometheus_client`` registry on the same page as ours.

The registry is only called, never imported: a program without ``prometheus_client`` pays nothing.
Its samples keep their names and order; each series is there once, whatever its collectors do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, cast, get_args

from genotel.exposition.series import Block, Exemplar, Family, FamilyKind, NumberRow, NumberSeries

# What the page can write; the rest (stateset, gaugehistogram) is served as of unknown type.
_KINDS = frozenset(get_args(FamilyKind))
_USUAL: dict[str, str] = {"counter": "_total", "gauge": "", "info": "_info"}


class Registry(Protocol):
    """What of a ``prometheus_client.CollectorRegistry`` is used."""

    def collect(self) -> Iterable[Any]:
        """Return the metric families of now."""
        ...


class RegistrySource:
    """Give the blocks of a registry.

    Args:
        registry: any object whose ``collect()`` yields ``prometheus_client`` metrics.

    Example:
        >>> from prometheus_client import CollectorRegistry, Counter
        >>> from genotel.exposition.page import Page
        >>> from genotel.exposition.text_format import TEXT_0_0_4
        >>> registry = CollectorRegistry()
        >>> Counter("jobs", "Jobs.", registry=registry).inc()
        >>> b"jobs_total 1.0" in Page([RegistrySource(registry)]).render(TEXT_0_0_4)
        True
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._series: dict[tuple[str, tuple[tuple[str, str], ...]], NumberSeries] = {}

    def blocks(self) -> list[Block]:
        """Collect the registry; native histograms have no place on a text page and are left out."""
        seen: dict[tuple[str, tuple[tuple[str, str], ...]], NumberSeries] = {}
        blocks = []
        for metric in self._registry.collect():
            kind = cast(FamilyKind, metric.type if metric.type in _KINDS else "unknown")
            rows: list[NumberRow] = []
            for sample in metric.samples:
                if sample.value is None or not sample.name.startswith(metric.name):
                    continue
                key = (sample.name, tuple(sorted(sample.labels.items())))
                if key in seen:
                    continue
                series = self._series.get(key)
                if series is None:
                    suffix = sample.name[len(metric.name) :]
                    # None where the kind says it: so a series of ours of that name is the same one.
                    series = NumberSeries(sample.labels, suffix=None if suffix == _USUAL.get(kind) else suffix)
                seen[key] = series
                _note_exemplar(series, sample.exemplar)
                rows.append((series, sample.value))
            blocks.append(Block(Family(metric.name, kind, metric.documentation, metric.unit), rows))
        # What was not there this time is forgotten, with its templates.
        self._series = seen
        return blocks


def _note_exemplar(series: NumberSeries, exemplar: Any) -> None:
    if exemplar is None:
        return
    labels: Mapping[str, str] = exemplar.labels
    found = Exemplar(
        labels.get("trace_id", ""), labels.get("span_id", ""), exemplar.value, float(exemplar.timestamp or 0.0)
    )
    if found.trace_id and found != series.exemplar:
        series.keep(found)
