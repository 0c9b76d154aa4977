"""Every metric of the catalogue keeps the rules of the catalogue."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from genotel.semconv import metrics
from genotel.semconv.metrics import CATALOGUE
from genotel.semconv.spec import Kind, Merge, MetricSpec

each_metric = pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
UPSTREAM = ("gen_ai.", "system.", "process.", "hw.", "db.")


SECTION_FILES = sorted(Path(metrics.__file__).parent.glob("*_metrics.py"))


@pytest.mark.parametrize("file", SECTION_FILES, ids=lambda file: file.stem)
def test_every_metric_that_is_defined_is_in_the_catalogue(file: Path) -> None:
    """A metric outside of its section's tuple would be in no document and under no rule."""
    defined = vars(import_module(f"genotel.semconv.{file.stem}")).values()
    assert [spec.name for spec in defined if isinstance(spec, MetricSpec) and spec not in CATALOGUE] == []


@each_metric
def test_a_name_is_upstream_s_or_ours(spec: MetricSpec) -> None:
    """What upstream does not have begins with ``genotel.``."""
    assert spec.name.startswith((*UPSTREAM, "genotel."))


@each_metric
def test_help_is_one_sentence(spec: MetricSpec) -> None:
    """It begins with a capital or a number and ends with a period."""
    assert not spec.help[0].islower()
    assert spec.help.endswith(".")
    assert "\n" not in spec.help


@each_metric
def test_only_histograms_have_buckets(spec: MetricSpec) -> None:
    """A histogram without bounds would get the SDK's, which stop at 10 s."""
    assert bool(spec.buckets) == (spec.kind is Kind.HISTOGRAM)


@each_metric
def test_units_are_base_units(spec: MetricSpec) -> None:
    """Seconds, bytes, hertz, joules, watts, degrees, ratios and counted things; nothing scaled."""
    base = {"s", "By", "Hz", "J", "W", "Cel", "1"}
    assert spec.unit in base or spec.unit.startswith("{"), spec.unit


@each_metric
def test_a_name_carries_no_unit_and_no_total(spec: MetricSpec) -> None:
    """The Prometheus name adds them; OpenTelemetry's has neither."""
    assert not spec.name.endswith((".total", "_total", "_seconds", ".bytes", "_bytes", ".ratio"))


@each_metric
def test_closed_values_belong_to_labels_of_the_metric(spec: MetricSpec) -> None:
    """A closed set of a label that the metric lacks would bear series that nothing feeds."""
    for key, values in spec.closed:
        assert key in spec.labels
        assert values


@each_metric
def test_labels_are_distinct(spec: MetricSpec) -> None:
    """A label that stands twice makes the page illegal."""
    assert len(set(spec.prometheus_labels)) == len(spec.labels)


@each_metric
def test_counters_and_histograms_of_programs_are_summed_over_workers(spec: MetricSpec) -> None:
    """Taking the last or the greatest of what each worker counted would lose work."""
    if spec.name.startswith(("gen_ai.", "genotel.generation.", "genotel.model.")) and spec.kind in {
        Kind.COUNTER,
        Kind.HISTOGRAM,
    }:
        assert spec.merge is Merge.SUM
