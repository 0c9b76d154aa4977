"""Our names of metrics and labels are those of the stock exporter, for any name, unit and kind.

Programs that keep ``opentelemetry-exporter-prometheus`` must see the same names as on our page, so
the stock reader itself is the reference here, not a second copy of the rules.
"""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from genotel.semconv.metrics import CATALOGUE
from genotel.semconv.spec import Kind, MetricSpec, label_name

# The SDK lowers the names of instruments (they are case-insensitive), so names here are lower case.
LOWER = string.ascii_lowercase + string.digits

# Pieces that the rules treat in a special way, between random ones.
PIECES = st.sampled_from(["total", "seconds", "bytes", "ratio", "per_second", "count", "bucket", "info", "usage"]) | (
    st.text(LOWER + "_-./", min_size=1, max_size=8)
)
NAMES = st.builds(
    lambda first, pieces, joint: first + joint.join(pieces),
    st.sampled_from(string.ascii_lowercase),
    st.lists(PIECES, max_size=4),
    st.sampled_from([".", "_", "-", "/", ".."]),
)
BASE_UNITS = st.sampled_from(
    ["", "s", "ms", "By", "MiBy", "1", "%", "Cel", "Hz", "J", "W", "{request}", "{item}", "total"]
)
UNITS = (
    BASE_UNITS
    | st.builds("{}/{}".format, BASE_UNITS, st.sampled_from(["s", "m", "h", "d", "w", "mo", "y", "By", "{call}", ""]))
    | st.text(st.characters(codec="ascii"), max_size=20)
)
LABEL_KEYS = st.text(min_size=1, max_size=20) | st.text(string.ascii_letters + "._", min_size=1, max_size=20)


def stock_series(spec: MetricSpec, labels: dict[str, str]) -> tuple[set[str], set[str]]:
    """Return the names of the samples and of the labels that the stock reader's page has for ``spec``."""
    registry = CollectorRegistry()
    reader = PrometheusMetricReader(registry=registry, disable_target_info=True, scope_info_enabled=False)
    provider = MeterProvider([reader], shutdown_on_exit=False)
    try:
        meter = provider.get_meter("names")
        if spec.kind is Kind.COUNTER:
            meter.create_counter(spec.name, spec.unit).add(1, labels)
        elif spec.kind is Kind.UP_DOWN_COUNTER:
            meter.create_up_down_counter(spec.name, spec.unit).add(1, labels)
        elif spec.kind is Kind.GAUGE:
            meter.create_gauge(spec.name, spec.unit).set(1, labels)
        else:
            meter.create_histogram(spec.name, spec.unit).record(1, labels)
        page = generate_latest(registry).decode()
    finally:
        provider.shutdown()
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    return {sample.name for sample in samples}, {name for sample in samples for name in sample.labels} - {"le"}


def our_series(spec: MetricSpec) -> set[str]:
    """Return the names of the samples by our rules."""
    if spec.kind is Kind.HISTOGRAM:
        return {f"{spec.prometheus_name}_{part}" for part in ("bucket", "sum", "count")}
    return {spec.prometheus_name}


@given(name=NAMES, unit=UNITS, kind=st.sampled_from(Kind))
@example(name="jobs_total", unit="{job}", kind=Kind.COUNTER)
@example(name="jobs_total", unit="total", kind=Kind.COUNTER)
@example(name="jobs.total", unit="s", kind=Kind.GAUGE)
@example(name="disk.io.seconds", unit="s", kind=Kind.COUNTER)
def test_any_metric_is_named_as_the_stock_exporter_names_it(name: str, unit: str, kind: Kind) -> None:
    """Sample names are equal for every name, unit and kind that the OpenTelemetry API accepts."""
    spec = MetricSpec(name, kind, unit, "Any.")
    assert our_series(spec) == stock_series(spec, {})[0]


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
def test_every_metric_of_the_catalogue_is_named_as_the_stock_exporter_names_it(spec: MetricSpec) -> None:
    """Sample and label names of the whole catalogue are equal."""
    names, labels = stock_series(spec, dict.fromkeys(spec.labels, "x"))
    assert our_series(spec) == names
    assert set(spec.prometheus_labels) == labels


@given(key=LABEL_KEYS)
@example(key="gen_ai.request.model")
@example(key="²")
def test_any_label_is_named_as_the_stock_exporter_names_it(key: str) -> None:
    """Label names are equal, but that we keep a leading digit behind ``key_`` where the stock drops it."""
    labels = stock_series(MetricSpec("any", Kind.GAUGE, "", "Any."), {key: "x"})[1]
    ours = label_name(key)
    if key[0] in string.digits:
        # The stock exporter puts "_" in the digit's place and folds it with what follows.
        rest = ours.removeprefix("key_" + key[0])
        ours = "_" + rest.removeprefix("_")
    assert labels == {ours}


def test_names_of_the_catalogue_are_unique_and_lower_case() -> None:
    """No two metrics share a name, and the SDK, which lowers every name, changes none of ours."""
    names = [spec.name for spec in CATALOGUE]
    families = [spec.family for spec in CATALOGUE]
    assert len(set(names)) == len(names)
    assert len(set(families)) == len(families)
    assert [name.lower() for name in names] == names


def test_no_metric_is_the_namespace_of_another() -> None:
    """A name that another one continues behind a dot could not grow (semantic conventions, naming)."""
    names = {spec.name for spec in CATALOGUE}
    assert [name for name in names for other in names if other.startswith(name + ".")] == []
