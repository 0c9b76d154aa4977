"""A simulated day of two machines with every series there is, for the pictures of the dashboards.

Nothing here was measured. Shapes come from ``semconv``; what people do by day and not by night, how long a
video takes and how hot a card is, is made up to look like a small studio of image and video models.
"""

from __future__ import annotations

import itertools
import math
import re
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from genotel.semconv import attributes as a
from genotel.semconv.metrics import CATALOGUE
from genotel.semconv.recorded_series import PROMISED, RECORDED, THRESHOLDS
from genotel.semconv.self_metrics import SELF_METRICS
from genotel.semconv.spec import Kind, MetricSpec, label_name
from tests.whole_catalogue import THEIRS, families

Floats = npt.NDArray[np.float64]
Labels = dict[str, str]

STEP, HOURS = 120, 14
MACHINES = ("studio-1:9464", "studio-2:9464")
# Model -> machine, provider, calls a second at noon, seconds of a call, bytes in memory.
MODELS = {
    "sdxl": ("studio-1:9464", "diffusers", 0.21, 4.2, 9.1e9),
    "flux.1-dev": ("studio-1:9464", "diffusers", 0.06, 17.0, 33.7e9),
    "wan2.2-t2v-a14b": ("studio-2:9464", "diffusers", 0.02, 190.0, 61.4e9),
    "llama-3.1-8b": ("studio-2:9464", "transformers", 0.34, 6.5, 16.8e9),
}
CARDS = {f"GPU-{name}": MACHINES[number // 2] for number, name in enumerate(("4f1c", "8a20", "c977", "e5b3"))}
KINDS_OF_ADVICE = ("cleanup", "preload", "performance")
# What a label without a closed set is.
VALUES: dict[str, tuple[str, ...]] = {
    a.EXPERIMENT: ("sampler",),
    a.VARIANT: ("euler", "dpm++"),
    a.ERROR_TYPE: ("",),
    a.HARDWARE_VENDOR: ("NVIDIA",),
    a.SENSOR_LOCATION: ("gpu", "memory"),
    a.GPU_TASK: ("general",),
    a.NETWORK_INTERFACE: ("eth0",),
    a.MOUNTPOINT: ("/", "/models"),
    a.EVENT: (a.EVENT_LOAD, a.EVENT_UNLOAD),
    a.BATCH_NAME: ("nightly-upscale",),
    a.QUEUE_NAME: ("render", "text"),
    a.COLLECTOR: ("cpu", "gpu_nvidia", "memory", "model_inventory"),
    a.KIND: KINDS_OF_ADVICE,
    "cpu.logical_number": ("0", "1"),
    "cpu.mode": ("user", "system", "iowait"),
    "disk.io.direction": ("read", "write"),
    "network.io.direction": ("receive", "transmit"),
    "system.paging.direction": ("in", "out"),
    "system.device": ("nvme0n1",),
    "system.memory.state": ("used", "cached", "free"),
    "genotel.window": ("1m",),
    "genotel.format": ("openmetrics",),
    "genotel.code": ("200",),
    "genotel.resource": ("cpu", "memory", "io"),
    "genotel.model.location": ("huggingface",),
    "genotel.model.format": ("safetensors",),
    "genotel.load.source": ("disk",),
    "genotel.metric": ("gen_ai.client.operation.duration",),
    "genotel.place": ("collectors.disk",),
    "db.system.name": ("postgresql",),
    "db.client.connection.pool.name": ("studio",),
    "genotel.database.lock.mode": ("row_exclusive",),
    "hw.type": ("gpu",),
    "hw.name": ("NVIDIA H100 80GB HBM3",),
    "hw.driver_version": ("570.86.15",),
    "genotel.gpu.bus": ("0000:3b:00.0",),
    "genotel.gpu.index": ("0",),
    "genotel.gpu.clock.domain": ("graphics",),
    "process.executable.name": ("python",),
    "genotel.parameter": ("steps",),
    "genotel.value": ("30",),
    "genotel.version": ("0.1.0",),
    "genotel.python": ("3.12.7",),
    "db.namespace": ("studio",),
    "db.collection.name": ("jobs",),
    "db.operation.name": ("INSERT", "SELECT", "UPDATE"),
}
OUTPUTS = {"wan2.2-t2v-a14b": "video", "llama-3.1-8b": "text"}
PER_SPEC: dict[tuple[str, str], tuple[str, ...]] = {
    ("genotel.gpu.temperature.limit", a.KIND): ("slowdown", "shutdown"),
    ("genotel.gpu.rows.remapped", a.KIND): ("correctable",),
    ("genotel.gpu.pages.retired", a.KIND): ("single_bit",),
    ("genotel.system.pressure", a.KIND): ("some", "full"),
    ("genotel.container.pressure", a.KIND): ("some",),
    ("hw.errors", a.ERROR_TYPE): ("xid:13", "xid:79", "corrected"),
    ("genotel.generation.score", "genotel.score.name"): ("clip",),
    ("genotel.gpu.throttle.time", a.REASON): ("sw_power_cap", "hw_thermal"),
    ("genotel.advice.withheld", a.REASON): ("unobserved",),
}
# The level of gauges, and the rate of counters by the second, by name and by unit.
LEVELS: dict[str, float] = {
    "system.memory.limit": 256e9, "genotel.container.memory.limit": 200e9, "hw.gpu.memory.limit": 85e9,
    "system.filesystem.limit": 3.8e12, "system.filesystem.usage": 1.2e12, "system.memory.usage": 42e9,
    "system.memory.linux.available": 150e9, "hw.gpu.memory.usage": 55e9, "genotel.gpu.process.memory": 16e9,
    "genotel.gpu.memory.unattributed": 0.7e9, "genotel.gpu.memory.reserved": 0.4e9, "hw.power": 310.0,
    "genotel.gpu.power.limit": 450.0, "hw.temperature": 63.0, "genotel.gpu.clock": 1.71e9,
    "genotel.gpu.clock_limit": 1.98e9, "genotel.system.load": 6.0,
    "genotel.generation.active": 1.4, "genotel.queue.length": 3.0, "genotel.queue.limit": 64.0,
    "genotel.queue.oldest.age": 9.0, "genotel.batch.remaining": 5200.0, "genotel.batch.eta": 8400.0,
    "genotel.batch.window.throughput": 2.6, "genotel.batch.window.throughput_peak": 3.4, "genotel.page.series": 640.0,
    "genotel.page.size": 88e3, "genotel.journal.size": 41e6, "genotel.spool.workers": 4.0,
    "genotel.collector.duration": 0.004, "genotel.model.size": 14e9, "genotel.model.files": 12.0,
    "genotel.recommender.history.span": 90 * 86400.0, "genotel.recommender.history.models": 14.0,
    "genotel.advice.saving.size": 11e9, "genotel.advice.saving.time_per_day": 420.0, "genotel.spool.age": 1.0,
    "genotel.forecast.requests": 160.0, "genotel.forecast.error": 11.0, "genotel.forecast.naive_error": 19.0,
    "genotel.gpu.readings.age": 2.0, "process.memory.usage": 1.6e9, "genotel.gpu.expected": 2.0,
    "genotel.gpu.seen": 2.0,
    "genotel.advice.priority": 2.0, "genotel.gpu.performance_state": 2.0, "system.uptime": 86400.0 * 21,
    "genotel.recommender.brier": 0.05, "genotel.recommender.claimed": 0.7, "genotel.recommender.right": 0.68,
    "genotel.forecast.brier": 0.04, "genotel.advice.confidence": 0.7, "genotel.advice.standing": 1.0,
    "genotel.advice.withheld": 2.0, "genotel.forecast.coverage": 0.65, "genotel.recommender.history.observed": 0.72,
    "genotel.recommender.run.duration": 4.0, "genotel.batch.window.efficiency": 0.64, "system.process.count": 380.0,
    "genotel.database.connections": 6.0, "genotel.database.connection.limit": 100.0, "genotel.database.size": 8e9,
    "db.client.connection.count": 5.0, "db.client.connection.max": 20.0,
}  # fmt: skip
RATES: dict[str, float] = {
    "system.network.io": 9e6, "system.disk.io": 4e7, "genotel.gpu.pcie.io": 2.1e9, "genotel.gpu.nvlink.io": 9e9,
    "hw.energy": 310.0, "genotel.generation.steps": 7.0, "genotel.generation.outputs": 0.4,
    "genotel.generation.output.pixels": 8e5, "genotel.generation.output.frames": 1.5, "genotel.scrapes": 0.07,
    "genotel.gpu.throttle.time": 0.02, "system.cpu.time": 0.2, "genotel.batch.items": 2.6,
    "genotel.batch.batches": 0.33,
    "system.network.errors": 0.0, "system.network.packet.dropped": 0.0, "genotel.internal.errors": 0.0,
    "genotel.series.dropped": 0.0, "genotel.journal.dropped": 0.0, "genotel.collector.timeouts": 0.0002,
    "genotel.container.oom_kills": 0.0, "genotel.queue.refused": 0.002, "hw.errors": 0.00002,
    "genotel.model.events": 0.0006,
    "genotel.system.pressure": 0.03, "genotel.container.pressure": 0.02, "system.paging.io": 2e4,
    "genotel.journal.rows": 0.6, "genotel.database.operations": 4.0, "genotel.batch.dropped": 0.0,
    "genotel.advice.results": 0.0002, "genotel.advice.realised.size": 1e5, "genotel.recommender.runs": 0.0003,
}  # fmt: skip
UNIT_LEVELS = {"1": 0.42, "By": 6e9, "s": 30.0}
ZEROS = frozenset(
    {
        "genotel.gpu.fault",
        "genotel.gpu.recovery_action",
        "genotel.gpu.rows.remap_pending",
        "genotel.gpu.rows.remap_failed",
    }
)
ONES = frozenset(
    {
        "genotel.model.resident", "genotel.advice.open", "genotel.collector.success", "genotel.build.info",
        "genotel.gpu.info", "genotel.web_config.success",
    }
)  # fmt: skip
SHARES = {"ok": 1.0, "error": 0.012, "out_of_memory": 0.0004, "cancelled": 0.02, "abandoned": 0.006}
FIXED = ("limit", "expected", "seen", "size", "files", "uptime", "timestamp", "max", "span", "models", "info")


def history(end: int) -> Iterator[str]:
    """Yield the day up to ``end`` as OpenMetrics with timestamps, family by family."""
    times = np.arange(end - HOURS * 3600, end + 1, STEP, dtype=np.float64)
    for spec in CATALOGUE:
        kind = {Kind.COUNTER: "counter", Kind.HISTOGRAM: "histogram"}.get(spec.kind, "gauge")
        yield f"# TYPE {spec.family if kind == 'counter' else spec.prometheus_name} {kind}\n"
        for values in _label_sets(spec):
            yield from _series(spec, values, times, end)
    jobs = [(machine, "genotel-host") for machine in MACHINES] + [("studio-2:8000", "vllm")]
    for name, level in (("up", 1.0), ("scrape_duration_seconds", 0.011), ("scrape_samples_scraped", 640.0)):
        yield f"# TYPE {name} gauge\n"
        for machine, job in jobs:
            labels = {"job": job, "instance": machine}
            shape = np.ones_like(times) if name == "up" else _wave(times, f"{name}{machine}", 0.1)
            yield _lines(name, labels, times, level * shape)
    for threshold in THRESHOLDS:
        yield f"# TYPE {threshold.name} gauge\n" + _lines(
            threshold.name, {}, times, np.full_like(times, threshold.value)
        )
    yield from _recorded(times)
    yield from _others(end, times)
    yield "# EOF\n"


def _label_sets(spec: MetricSpec) -> Iterator[Labels]:
    """Yield each set of attributes, with the machine that it is on."""
    closed = dict(spec.closed)
    keys = set(spec.labels)
    if a.MODEL in keys:
        owners = [(model, given[0]) for model, given in MODELS.items()]
    elif a.HARDWARE_ID in keys:
        owners = list(CARDS.items())
    else:
        owners = [("", machine) for machine in MACHINES]
    for owner, machine in owners:
        if spec.unit == "{token}" and owner in MODELS and OUTPUTS.get(owner) != "text":
            continue
        columns = []
        for key in spec.labels:
            if key == a.MODEL:
                choice: tuple[str, ...] = (owner,)
            elif key == a.HARDWARE_ID:
                cards = [card for card, place in CARDS.items() if place == machine]
                choice = (owner,) if a.MODEL not in keys else (cards[zlib.crc32(owner.encode()) % len(cards)],)
            elif key == a.PROVIDER:
                choice = (MODELS[owner][1],)
            elif key == a.OUTPUT_TYPE:
                choice = (OUTPUTS.get(owner, "image"),)
            elif key == a.OPERATION:
                choice = ("text_completion" if owner.startswith("llama") else "generate_content",)
            elif (spec.name, key) in PER_SPEC:
                choice = PER_SPEC[spec.name, key]
            elif key in {a.EXPERIMENT, a.VARIANT} and owner != "sdxl":
                choice = ("",)
            else:
                choice = VALUES.get(key) or closed.get(key) or (key.rpartition(".")[2],)
            columns.append(choice)
        for values in itertools.product(*columns):
            yield {"instance": machine, **dict(zip(spec.labels, values, strict=True))}


def _series(spec: MetricSpec, values: Labels, times: Floats, end: int) -> Iterator[str]:
    scope = {} if spec in SELF_METRICS else {label_name(a.SCOPE_NAME): a.SCOPE}
    labels = {label_name(key): value for key, value in values.items() if value} | scope | {"job": "genotel-host"}
    seed = f"{spec.name}{sorted(values.items())}"
    model = MODELS.get(values.get(a.MODEL, ""))
    if spec.kind is Kind.HISTOGRAM:
        yield from _histogram(spec, labels, values, times, model)
    elif spec.kind is Kind.COUNTER:
        base = RATES.get(spec.name, 1.0 if spec.unit != "s" else 0.05)
        if model is not None and spec.unit in {"{request}", "{token}"}:
            base = model[2] * (300.0 if spec.unit == "{token}" else 1.0)
        elif model is not None and spec.name != "genotel.model.events":
            base *= model[2] / 0.2
        base *= SHARES.get(values.get(a.OUTCOME, ""), 1.0)
        yield _lines(spec.prometheus_name, labels, times, _counted(_load(times) * _wave(times, seed, 0.2) * base, spec))
    elif spec.name.endswith(".timestamp"):
        some = 1 + zlib.crc32(seed.encode()) % 9
        # What lies ahead, what stands for days, and what has just happened.
        if "forecast" in spec.name or "expiry" in spec.name:
            moments = times + 1200.0 * some
        elif any(word in spec.name for word in ("since", "last_modified", "last_read", "xid")):
            moments = np.full_like(times, end - 86400.0 * some)
        else:
            moments = times - 40.0 * some
        yield _lines(spec.prometheus_name, labels, times, moments)
    elif spec.name in ZEROS | ONES:
        yield _lines(spec.prometheus_name, labels, times, np.full_like(times, float(spec.name in ONES)))
    elif spec.name == "hw.status":
        is_on = (
            (_wave(times, values[a.HARDWARE_ID], 1.0) > 1.9)
            if values["hw.state"] == "degraded"
            else np.zeros_like(times)
        )
        if values["hw.state"] == "ok":
            is_on = _wave(times, values[a.HARDWARE_ID], 1.0) <= 1.9
        yield _lines(spec.prometheus_name, labels, times, np.asarray(is_on, dtype=np.float64))
    else:
        yield _lines(spec.prometheus_name, labels, times, _gauge(spec, values, times, seed))


def _gauge(spec: MetricSpec, values: Labels, times: Floats, seed: str) -> Floats:
    level = LEVELS.get(spec.name, UNIT_LEVELS.get(spec.unit, 3.0))
    if spec.name == "genotel.gpu.temperature.limit":
        level = 93.0 if values[a.KIND] == "slowdown" else 98.0
    if spec.name == "genotel.forecast.requests":
        level *= {"lower": 0.7, "level": 1.0, "upper": 1.4}[values[a.BAND]] * (
            24 if values["genotel.horizon"] == "1d" else 1
        )
    if spec.name == "genotel.gpu.process.memory":
        level = MODELS[values[a.MODEL]][4]
    if spec.name.rpartition(".")[2] in FIXED or spec.name in {"hw.gpu.memory.limit", "genotel.gpu.clock_limit"}:
        return np.full_like(times, level)
    own = 0.75 + (zlib.crc32(seed.encode()) % 1000) / 2000
    moved = level * own * (0.72 + 0.28 * _load(times)) * _wave(times, seed, 0.06)
    if spec.unit == "1":
        moved = np.clip(moved * 1.2, 0.0, 0.97)
    if spec.unit.startswith("{") and spec.unit != "{item}/s":
        moved = np.round(moved)
    return np.asarray(moved, dtype=np.float64)


def _histogram(
    spec: MetricSpec, labels: Labels, values: Labels, times: Floats, model: tuple[str, str, float, float, float] | None
) -> Iterator[str]:
    middle = spec.buckets[len(spec.buckets) // 2]
    rate = 0.2
    if model is not None:
        rate = model[2]
        middle = {
            "gen_ai.client.operation.duration": model[3], "gen_ai.client.inference.duration": model[3],
            "genotel.generation.vram.peak": model[4] * 1.15, "genotel.model.load.duration": model[4] / 1.1e9,
            "genotel.generation.step.duration": model[3] / 32, "genotel.generation.queue.duration": model[3] / 5,
            "genotel.generation.score": 0.31,
            "gen_ai.client.operation.time_to_first_chunk": model[3] / 12,
            "gen_ai.client.inference.time_to_first_chunk": model[3] / 12,
            "gen_ai.client.operation.time_per_output_chunk": 0.03,
            "gen_ai.client.inference.time_per_output_chunk": 0.03,
        }.get(spec.name, middle)  # fmt: skip
        if spec.name == "genotel.generation.phase.duration":
            middle = model[3] * {"denoise": 0.78, "encode": 0.05, "decode": 0.11, "queue": 0.2}.get(
                values[a.PHASE], 0.01
            )
        if spec.name == "genotel.model.load.duration":
            rate = 0.0005
    elif spec.unit == "s":
        middle = {"genotel.batch.duration": 3.0, "genotel.batch.latency": 3.6, "genotel.batch.queue.duration": 0.8,
                  "genotel.queue.duration": 7.0}.get(spec.name, 0.02)  # fmt: skip
    seed = f"{spec.name}{sorted(values.items())}"
    flow = _load(times) * _wave(times, seed, 0.2) * rate * STEP
    shift = 1 + 0.18 * (_load(times) - 1) + 0.08 * (_wave(times, seed + "shift", 1.0) - 1)
    for bound in (*spec.buckets, math.inf):
        share = (
            np.ones_like(times)
            if bound == math.inf
            else _below(bound, middle * shift, 0.04 if spec.unit == "By" else 0.32)
        )
        text = "+Inf" if bound == math.inf else repr(float(bound))
        yield _lines(f"{spec.prometheus_name}_bucket", {**labels, "le": text}, times, np.floor(np.cumsum(flow * share)))
    yield _lines(f"{spec.prometheus_name}_count", labels, times, np.floor(np.cumsum(flow)))
    yield _lines(f"{spec.prometheus_name}_sum", labels, times, np.cumsum(flow * middle * shift * 1.05))


def _below(bound: float, middle: Floats, width: float) -> Floats:
    """Return the share of a lognormal of that median that is below a bound."""
    place = np.log(max(bound, 1e-9) / middle) / width
    return np.asarray(1 / (1 + np.exp(-1.702 * place)), dtype=np.float64)


def _counted(rate: Floats, spec: MetricSpec) -> Floats:
    counted = np.cumsum(rate * STEP)
    return np.floor(counted) if spec.unit.startswith("{") else counted


def _recorded(times: Floats) -> Iterator[str]:
    for recorded in (*RECORDED, *PROMISED):
        yield f"# TYPE {recorded.name} gauge\n"
        cards = list(CARDS.items())
        owners = cards if "hw_id" in recorded.labels else [(model, given[0]) for model, given in MODELS.items()]
        for owner, machine in owners:
            known = {"job": "genotel-host", "instance": machine, "hw_id": owner, label_name(a.MODEL): owner}
            labels = {key: known[key] for key in recorded.labels}
            wave = _wave(times, recorded.name + owner, 0.5) * _load(times)
            if "objective" in recorded.name:
                values = np.full_like(times, 0.99)
            elif recorded.ratio:
                values = 0.006 * wave
            elif "duration" in recorded.name:
                values = MODELS[owner][3] * 1.9 * _wave(times, owner, 0.1)
            elif "vram" in recorded.name:
                values = np.full_like(times, 71e9)
            else:
                window = re.search(r"increase(\d+)([mhd])", recorded.name)
                seconds = float(window[1]) * {"m": 60, "h": 3600, "d": 86400}[window[2]] if window else 1.0
                share = 0.01 if "failures" in recorded.name or "slow" in recorded.name else 1.0
                bound = {"upper": 1.5, "lower": 0.5}.get(recorded.name.rpartition(":")[2], 1.0)
                values = MODELS[owner][2] * seconds * share * bound * _wave(times, owner, 0.1) * _load(times)
            yield _lines(recorded.name, labels, times, values)


def _others(end: int, times: Floats) -> Iterator[str]:
    """Yield what other people's servers and exporters say, by the shapes of the tests."""
    told = set()
    for family, kind, rows in families(end, busy=True):
        theirs = [row for row in rows if row[1].get("job") == THEIRS["job"] and not family.startswith(("up", "scrape"))]
        if theirs and kind == "unknown":
            yield f"# TYPE {family} unknown\n"
            for name, labels, start, growth in theirs:
                known = {key: value for key, value in labels.items() if value}
                # Two servers may say the same by the same name.
                if (mark := (name, *sorted(known.items()))) in told:
                    continue
                told.add(mark)
                wave = _wave(times, f"{name}{known}", 0.2)
                values = np.cumsum(_load(times) * wave * growth) + start if growth else start * _load(times) * wave
                yield _lines(name, known, times, values)


def _load(times: Floats) -> Floats:
    """Return how busy people are, 0.25 at night to 1.5 in the afternoon."""
    hour = (times / 3600) % 24
    return np.asarray(0.25 + 1.25 * np.exp(-(((hour - 14) / 4.5) ** 2)), dtype=np.float64)


def _wave(times: Floats, seed: str, size: float) -> Floats:
    """Return a slow, smooth restlessness around 1, each seed its own."""
    random = np.random.default_rng(zlib.crc32(seed.encode()))
    total = np.zeros_like(times)
    for period in (5200.0, 2100.0, 700.0):
        total += np.sin(times / period * 2 * np.pi + random.uniform(0, 2 * np.pi)) / 3
    return np.asarray(np.maximum(1 + size * (total + random.normal(0, 0.12, len(times))), 0.0), dtype=np.float64)


def _lines(name: str, labels: Labels, times: Floats, values: Floats) -> str:
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    series = f"{name}{{{inside}}}" if inside else name
    return "".join(
        [f"{series} {value:.10g} {time:.0f}\n" for value, time in zip(values.tolist(), times.tolist(), strict=True)]
    )
