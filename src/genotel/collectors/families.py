"""Readings become the blocks of a page, by way of series that live from scrape to scrape."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from genotel.collectors.collector import Reading
from genotel.exposition.series import Block, Family, FamilyKind, NumberRow, NumberSeries
from genotel.semconv import attributes
from genotel.semconv.spec import Kind, MetricSpec, label_name, unit_suffix

_KINDS: dict[Kind, FamilyKind] = {Kind.COUNTER: "counter", Kind.UP_DOWN_COUNTER: "gauge", Kind.GAUGE: "gauge"}
_SCOPE_LABEL = label_name(attributes.SCOPE_NAME)


class FamilyTable:
    """Keep the series of one collector, so that the page can keep their rendered lines.

    Example:
        >>> from genotel.semconv.host_metrics import LOAD
        >>> [block] = FamilyTable().blocks([(LOAD, ("1m",), 0.5)])
        >>> block.family.name, block.rows[0][0].labels, block.rows[0][1]
        ('genotel_system_load', 'genotel_window="1m",otel_scope_name="genotel"', 0.5)
    """

    def __init__(self) -> None:
        self._families: dict[str, _FamilyRows] = {}
        # The readings that did not change, and their blocks.
        self._last: tuple[Reading, ...] | None = None
        self._blocks: list[Block] = []

    def blocks(self, readings: Iterable[Reading]) -> list[Block]:
        """Return one block a metric; series that were not read this time are forgotten.

        Of two readings with the same labels the first one counts; values that are not finite are
        left out. The very tuple of the run before costs nothing.
        """
        if isinstance(readings, tuple):
            if readings is not self._last:
                self._last, self._blocks = readings, self._made(readings)
            return self._blocks
        self._last = None
        return self._made(readings)

    def _made(self, readings: Iterable[Reading]) -> list[Block]:
        families = self._families
        run: dict[str, _FamilyRows] = {}
        for spec, labels, value in readings:
            name = spec.name
            family = run.get(name)
            if family is None:
                family = run[name] = families.get(name) or _FamilyRows(spec)
                family.start()
            fresh = family.fresh
            if labels in fresh or not isfinite(value):
                continue
            series = fresh[labels] = family.known.get(labels) or family.born(labels)
            family.rows.append((series, value))
        self._families = run
        return [family.block() for family in run.values()]


class _FamilyRows:
    """Hold the series of one metric: those known so far, and those of the run that goes on."""

    __slots__ = ("family", "fresh", "known", "rows", "spec")

    def __init__(self, spec: MetricSpec) -> None:
        self.spec = spec
        self.family = Family(spec.family, _KINDS[spec.kind], spec.help, unit_suffix(spec.unit))
        self.known: dict[tuple[str, ...], NumberSeries] = {}
        self.fresh: dict[tuple[str, ...], NumberSeries] = {}
        self.rows: list[NumberRow] = []

    def start(self) -> None:
        self.known, self.fresh, self.rows = self.fresh, {}, []

    def born(self, labels: tuple[str, ...]) -> NumberSeries:
        names = self.spec.prometheus_labels
        return NumberSeries({_SCOPE_LABEL: attributes.SCOPE} | dict(zip(names, labels, strict=True)))

    def block(self) -> Block:
        return Block(self.family, self.rows)
