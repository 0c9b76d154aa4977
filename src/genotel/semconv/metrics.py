"""The catalogue: every metric that genotel emits, once."""

from __future__ import annotations

from genotel.semconv.advice_metrics import ADVICE_METRICS
from genotel.semconv.batch_metrics import BATCH_METRICS
from genotel.semconv.container_metrics import CONTAINER_METRICS
from genotel.semconv.database_metrics import DATABASE_METRICS
from genotel.semconv.generation_metrics import GENERATION_METRICS
from genotel.semconv.gpu_metrics import GPU_METRICS
from genotel.semconv.host_metrics import HOST_METRICS
from genotel.semconv.model_metrics import MODEL_METRICS
from genotel.semconv.self_metrics import SELF_METRICS
from genotel.semconv.spec import MetricSpec

# One visible line per section; docs/metrics.md has the same sections in the same order.
SECTIONS: tuple[tuple[str, tuple[MetricSpec, ...]], ...] = (
    ("Generations", GENERATION_METRICS),
    ("Models", MODEL_METRICS),
    ("Batches and queues", BATCH_METRICS),
    ("Host and process", HOST_METRICS),
    ("Container and pressure", CONTAINER_METRICS),
    ("GPUs", GPU_METRICS),
    ("Databases", DATABASE_METRICS),
    ("Advice", ADVICE_METRICS),
    ("genotel itself", SELF_METRICS),
)

CATALOGUE: tuple[MetricSpec, ...] = tuple(spec for _, section in SECTIONS for spec in section)
