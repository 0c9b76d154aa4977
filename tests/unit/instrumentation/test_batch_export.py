"""The statistics as text: JSON that every parser reads, and a page that Prometheus reads."""

from __future__ import annotations

import json
import shutil

import pytest
from prometheus_client.parser import text_string_to_metric_families

from genotel.exposition.page import Page
from genotel.instrumentation.batch_alerts import Thresholds
from genotel.instrumentation.batch_arguments import ArgumentError
from genotel.instrumentation.batch_export import _Windows
from genotel.instrumentation.batch_stats import BatchStats
from genotel.semconv.batch_metrics import PLAIN_EXPORT
from tests.conftest import require
from tests.pages import refused_by_promtool, series_of


def engine(name: str = "engine", batches: int = 30) -> BatchStats:
    """Return statistics of an engine that works on eight items a second."""
    stats = BatchStats(name=name)
    for number in range(batches):
        stats.update(0.5, 8, 0.25, queue_length=3, error=number % 10 == 9, timestamp=float(number + 1))
    return stats


def test_a_dashboard_has_time_figures_and_status() -> None:
    """A tenth of the batches failed: critical by the defaults, well by one's own thresholds."""
    stats = engine()
    data = stats.dashboard_data()
    assert set(data) == {"timestamp", "metrics", "status"}
    assert data["timestamp"] > 1.7e9
    assert data["metrics"]["error_rate"] == 0.1
    assert data["status"] == "critical"
    assert stats.dashboard_data(Thresholds(throughput=1.0, error_rate=0.5))["status"] == "healthy"
    json.dumps(data, allow_nan=False)


def test_json_holds_every_window_by_its_name() -> None:
    """And nothing that is no JSON, also of an empty window."""
    document = json.loads(engine("one").export_metrics("json", engine("two"), BatchStats(name="none")))
    assert [*document["windows"]] == ["one", "two", "none"]
    assert document["windows"]["two"]["total_processed"] == 240
    assert document["windows"]["none"]["throughput"] is None
    assert json.loads(engine().export_metrics())["timestamp"] > 1.7e9


def test_the_page_has_the_names_that_people_ask_for() -> None:
    """Each with a type and a help, and the value of its figure."""
    page = engine().export_metrics("prometheus")
    samples = series_of(page)
    values = {name: value for (name, _), value in samples.items()}
    assert values["batch_throughput"] == pytest.approx(240 / 29.5)
    assert values["batch_processing_time_avg"] == 0.5
    assert values["batch_queue_time_avg"] == 0.25
    assert values["batch_error_rate"] == 0.1
    assert values["batch_queue_length"] == 3.0
    assert values["batch_processed_items_total"] == 240
    for family in text_string_to_metric_families(page):
        assert family.type in {"gauge", "counter"}
        assert family.documentation


def test_several_windows_share_a_page() -> None:
    """Told apart by their names, whatever these are."""
    name = 'a "quoted" name\n'
    samples = series_of(engine("one").export_metrics("prometheus", engine(name)))
    names = {dict(labels)["name"] for _, labels in samples}
    assert names == {"one", name}


def test_what_is_unknown_has_no_line() -> None:
    """Never 0, never NaN."""
    samples = series_of(BatchStats(name="empty").export_metrics("prometheus"))
    assert {name for name, _ in samples} == {"batch_processed_items_total", "batch_batches_total", "batch_errors_total"}


def test_promtool_reads_the_page() -> None:
    """The real one."""
    promtool = require(shutil.which("promtool"), "promtool")
    stats = [(each.name, each.get_comprehensive_stats()) for each in (engine("one"), engine("two"))]
    assert refused_by_promtool(promtool, Page([_Windows(stats)])) == []


def test_every_exported_figure_is_one_of_the_statistics() -> None:
    """A key that does not exist would never have a line."""
    stats = engine().get_comprehensive_stats()
    assert [key for _, _, _, key in PLAIN_EXPORT if key not in stats] == []


def test_another_format_is_refused() -> None:
    """By the names of the two."""
    with pytest.raises(ArgumentError, match=r"^format must be one of json, prometheus, not 'xml'$"):
        engine().export_metrics("xml")
