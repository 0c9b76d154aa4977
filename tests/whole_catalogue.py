"""Half an hour of every series there is, as a server would have scraped and recorded it: busy, or idle all the time.

Shapes come from ``semconv``: ours, what other people's servers and exporters emit, what rules record.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from genotel.semconv import attributes as a
from genotel.semconv.foreign import Amount
from genotel.semconv.foreign_servers import GPU_EXPORTERS, SERVERS
from genotel.semconv.metrics import CATALOGUE
from genotel.semconv.recorded_series import PROMISED, RECORDED, THRESHOLDS
from genotel.semconv.self_metrics import SELF_METRICS
from genotel.semconv.spec import Kind, MetricSpec, label_name

Labels = dict[str, str]
STEP, SAMPLES = 60, 40
OURS: Labels = {"job": "genotel-box", "instance": "box:9464"}
THEIRS: Labels = {"job": "vllm", "instance": "box:8000"}
# What a label without a closed set is, where any text would do but joins must find each other.
VALUES = {
    a.MODEL: ("sdxl",),
    a.HARDWARE_ID: ("GPU-1",),
    a.HARDWARE_VENDOR: ("nvidia",),
    a.SENSOR_LOCATION: ("gpu", "memory"),
    a.ERROR_TYPE: ("", "xid:79"),
    a.EXPERIMENT: ("sampler",),
    a.NETWORK_INTERFACE: ("eth0",),
    a.EVENT: (a.EVENT_LOAD, a.EVENT_UNLOAD),
    a.GPU_TASK: ("general",),
}
KINDS = {"genotel.gpu.temperature.limit": ("slowdown", "shutdown"), "genotel.system.pressure": ("some",)}
# A little after the beginning of buckets, so that every quantile has a bucket to be in.
PAST = 3600.0


def history(end: int, *, busy: bool) -> str:
    """Return the half hour up to ``end`` as OpenMetrics with timestamps."""
    lines: list[str] = []
    for family, kind, rows in families(end, busy=busy):
        lines.append(f"# TYPE {family} {kind}")
        for name, labels, start, growth in rows:
            inside = ",".join(f'{key}="{value}"' for key, value in labels.items() if value)
            series = f"{name}{{{inside}}}" if inside else name
            for number in range(SAMPLES):
                time = end - STEP * (SAMPLES - 1 - number)
                lines.append(f"{series} {start + growth * number:g} {time}" if growth else f"{series} {start!r} {time}")
    return "\n".join([*lines, "# EOF"]) + "\n"


Row = tuple[str, Labels, float, float]


def families(end: int, *, busy: bool) -> Iterator[tuple[str, str, list[Row]]]:
    """Yield name and kind of each family, and of each series name, labels, first value and growth a sample."""
    theirs = _foreign(busy=busy)
    for spec in CATALOGUE:
        rows = list(itertools.chain.from_iterable(_rows(spec, labels, end, busy) for labels in _label_sets(spec)))
        # The conventions' own names, recorded by others than us, stand with ours in one family.
        rows += [row for suffix in ("_count", "_sum") for row in theirs.pop(spec.prometheus_name + suffix, [])]
        # Gauges of unit 1 have the name that they have through a Collector, counters and histograms have one.
        kind = {Kind.COUNTER: "counter", Kind.HISTOGRAM: "histogram"}.get(spec.kind, "gauge")
        yield (spec.family if kind == "counter" else spec.prometheus_name), kind, rows
    for name in ("up", "scrape_duration_seconds", "scrape_samples_scraped"):
        yield name, "gauge", [(name, OURS, 1.0, 0.0), (name, THEIRS, 1.0, 0.0)]
    firing = {"alertname": "GenotelCpuHigh", "alertstate": "firing", "severity": "warning"}
    yield "ALERTS", "gauge", [("ALERTS", OURS | firing, 1.0, 0.0)]
    for threshold in THRESHOLDS:
        yield threshold.name, "gauge", [(threshold.name, {}, threshold.value, 0.0)]
    for recorded in (*RECORDED, *PROMISED) if busy else RECORDED:
        # A share of no calls is not recorded at all.
        if busy or not recorded.ratio:
            values = {"job": OURS["job"], "instance": OURS["instance"]}
            labels = {key: values.get(key) or VALUES[_attribute(key)][0] for key in recorded.labels}
            yield recorded.name, "gauge", [(recorded.name, labels, 0.5 if busy else 0.0, 0.0)]
    for name, rows in theirs.items():
        yield name, "unknown", rows


def _attribute(label: str) -> str:
    return next(key for key in VALUES if label_name(key) == label)


def _label_sets(spec: MetricSpec) -> Iterable[Labels]:
    closed = dict(spec.closed)
    columns = [_values(spec, key, closed) for key in spec.labels]
    scope = {} if spec in SELF_METRICS else {label_name(a.SCOPE_NAME): a.SCOPE}
    for values in itertools.product(*columns):
        own = {label_name(key): value for key, value in zip(spec.labels, values, strict=True)}
        yield OURS | scope | own


def _values(spec: MetricSpec, key: str, closed: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    if key in closed:
        return closed[key]
    if key == a.KIND:
        return KINDS.get(spec.name, ("cleanup",))
    if key == a.ERROR_TYPE and not spec.name.startswith("hw."):
        return ("",)
    return VALUES.get(key, (f"some-{key.rpartition('.')[2]}",))


def _rows(spec: MetricSpec, labels: Labels, end: int, busy: bool) -> Iterator[Row]:
    name = spec.prometheus_name
    growth = 3.0 if busy else 0.0
    start = 100.0 if busy else 0.0
    if spec.kind is Kind.HISTOGRAM:
        middle = spec.buckets[len(spec.buckets) // 2]
        for bound in (*(f"{bound:.12g}" for bound in spec.buckets), "+Inf"):
            reached = float(bound) >= middle
            yield f"{name}_bucket", labels | {"le": bound}, start if reached else 0.0, growth if reached else 0.0
        yield f"{name}_count", labels, start, growth
        yield f"{name}_sum", labels, start * middle, growth * middle
    elif spec.kind is Kind.COUNTER:
        yield name, labels, start, growth
    elif spec.name.endswith(".timestamp"):
        yield name, labels, end - PAST, 0.0
    else:
        yield name, labels, (1.0 if spec.unit != "1" else 0.5) if busy else 0.0, 0.0
    if spec.name == "hw.status" and busy:
        yield name, labels | {"instance": "other:9464"}, 1.0, 0.0


def _foreign(*, busy: bool) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    start, growth = (100.0, 3.0) if busy else (0.0, 0.0)

    def add(name: str, labels: Labels, start: float, growth: float) -> None:
        row = (name, THEIRS | labels, start, growth)
        if row not in found.setdefault(name, []):
            found[name].append(row)

    for server in SERVERS:
        model = {} if server.model_label == "job" else {server.model_label: "llama"}
        for calls in server.calls:
            add(calls.name, model | _matching(calls.matchers), start, growth)
        for spent in filter(None, (server.durations, server.loads)):
            own = {spent.model_label: "llama"} if spent.model_label else model
            for name in (spent.seconds, spent.count):
                add(name, own | _matching(spent.matchers), start, growth)
        for amount in filter(None, (server.running, server.waiting, server.cache_used)):
            add(amount.name, model, 0.5 if busy else 0.0, 0.0)
        for amount in filter(None, (server.input_tokens, server.output_tokens)):
            add(amount.name, model, start, growth)
        for amount in filter(None, (server.first_token, server.between_tokens)):
            for bound in ("0.5", "+Inf"):
                add(f"{amount.name}_bucket", model | {"le": bound}, start, growth)
    for exporter in GPU_EXPORTERS:
        amounts: tuple[Amount | None, ...] = (
            exporter.memory_used,
            exporter.memory_free,
            exporter.utilization,
            exporter.temperature,
            exporter.power,
        )
        for amount in filter(None, amounts):
            add(amount.name, {exporter.gpu_label: "GPU-1"}, 1.0 if busy else 0.0, 0.0)
    return found


def _matching(matchers: Iterable[tuple[str, str, str]]) -> Labels:
    return {label: value if operator == "=" else "else" for label, operator, value in matchers}
