"""A user's registry on our page: every kind, exemplars, births, duplicates."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.page import Page
from genotel.exposition.registry_source import RegistrySource
from genotel.exposition.series import Block, Family, NumberSeries
from genotel.exposition.text_format import TEXT_0_0_4


@pytest.fixture
def registry():
    """Return a registry with one metric of each kind."""
    registry = CollectorRegistry()
    Counter("jobs", "Jobs.", ["queue"], registry=registry).labels("a").inc(2, {"trace_id": "a" * 32})
    Gauge("depth", 'How "deep".', registry=registry).set(3.5)
    histogram = Histogram("wait_seconds", "Wait.", buckets=[1, 2], registry=registry)
    histogram.observe(1.5, {"trace_id": "b" * 32, "span_id": "c" * 16})
    Summary("size_bytes", "Size.", registry=registry).observe(4)
    Info("build", "Build.", registry=registry).info({"version": "1"})
    Enum("mode", "Mode.", states=["on", "off"], registry=registry).state("on")
    return registry


def values(families):
    """Return the samples by name and labels, births left out."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@pytest.mark.parametrize(
    ("format", "parse"), [(TEXT_0_0_4, parse_text), (OPENMETRICS_1_0_0, parse_openmetrics)], ids=["text", "openmetrics"]
)
def test_every_kind_is_served_with_its_values(registry, format, parse):
    """The page says what the registry holds."""
    page = Page([RegistrySource(registry)]).render(format).decode()
    assert values(parse(page)) == values(registry.collect())


def test_exemplars_and_births_are_openmetrics_only(registry):
    """Both are there in OpenMetrics and gone from text."""
    page = Page([RegistrySource(registry)])
    openmetrics, text = page.render(OPENMETRICS_1_0_0).decode(), page.render(TEXT_0_0_4).decode()
    assert 'jobs_total{queue="a"} 2.0 # {trace_id="' + "a" * 32 in openmetrics
    assert f'wait_seconds_bucket{{le="2.0"}} 1.0 # {{span_id="{"c" * 16}",trace_id="{"b" * 32}"}} 1.5' in openmetrics
    assert 'jobs_created{queue="a"} ' in openmetrics
    assert "trace_id" not in text
    assert "_created" not in text


def test_a_series_is_kept_from_scrape_to_scrape_and_forgotten_when_gone():
    """The cache follows the registry."""
    registry = CollectorRegistry()
    gauge = Gauge("g", "G.", ["x"], registry=registry)
    gauge.labels("1").set(1)
    source = RegistrySource(registry)
    first, second = source.blocks()[0].rows[0][0], source.blocks()[0].rows[0][0]
    assert first is second
    gauge.remove("1")
    assert source.blocks()[0].rows == []
    gauge.labels("1").set(1)
    assert source.blocks()[0].rows[0][0] is not first


def test_a_collector_that_repeats_itself_is_served_once():
    """Duplicate samples, samples without a value and of other names are left out."""
    sample = SimpleNamespace(name="x", labels={}, value=1.0, exemplar=None)
    odd = [SimpleNamespace(**{**vars(sample), "value": None}), SimpleNamespace(**{**vars(sample), "name": "y"})]
    metric = SimpleNamespace(name="x", type="gauge", documentation="", unit="", samples=[sample, sample, *odd])
    registry = SimpleNamespace(collect=lambda: [metric])
    assert Page([RegistrySource(registry)]).render(TEXT_0_0_4) == b"# HELP x \n# TYPE x gauge\nx 1.0\n"


def test_it_shares_a_page_with_other_sources(registry):
    """A name that both have is one family; the same series is there once, ours first."""

    class Ours:
        series = NumberSeries({"queue": "a"})

        def blocks(self):
            return [Block(Family("jobs", "counter", "Ours."), [(self.series, 7)])]

    page = Page([Ours(), RegistrySource(registry)]).render(TEXT_0_0_4).decode()
    assert page.count("# TYPE jobs_total counter") == 1
    assert page.count('jobs_total{queue="a"}') == 1
