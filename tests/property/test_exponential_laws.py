"""Classic buckets of an exponential histogram agree with the values that were recorded."""

from __future__ import annotations

import math
from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import ExponentialHistogram, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

from genotel.telemetry.exponential import classic_buckets

# Of the powers of two themselves the SDK's logarithm is exact; of their neighbours it may be one
# off, so values come from everywhere else and from the powers.
VALUES = st.floats(min_value=0, max_value=1e20, allow_subnormal=False).filter(
    lambda value: value == 0 or abs(math.log2(value) - round(math.log2(value))) > 1e-9
) | st.integers(-60, 60).map(lambda exponent: 2.0**exponent)


@given(values=st.lists(VALUES, min_size=1, max_size=60), size=st.integers(2, 160), scale=st.integers(-10, 20))
def test_every_recorded_value_is_in_its_bucket(values: list[float], size: int, scale: int) -> None:
    """Recorded by the SDK at any scale: cumulative counts are those of the values themselves."""
    reader = InMemoryMetricReader(
        preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation(max_size=size, max_scale=scale)}
    )
    provider = MeterProvider([reader], shutdown_on_exit=False, views=[View(instrument_name="none")])
    histogram = provider.get_meter("m").create_histogram("h")
    for value in values:
        histogram.record(value)
    data = reader.get_metrics_data()
    provider.shutdown()
    assert data is not None
    metric = data.resource_metrics[0].scope_metrics[0].metrics[0].data
    assert isinstance(metric, ExponentialHistogram)
    (point,) = metric.data_points
    bounds, counts = classic_buckets(
        point.scale,
        point.zero_count,
        (point.positive.offset, point.positive.bucket_counts),
        (point.negative.offset, point.negative.bucket_counts),
    )
    assert sum(counts) == len(values)
    assert list(bounds) == sorted({*bounds})
    for position, bound in enumerate(bounds):
        assert sum(counts[: position + 1]) == sum(value <= bound for value in values)


def index_of(value: float, scale: int) -> int:
    """Return the bucket of a positive value by the data model's definition, exactly for powers of two."""
    mantissa, exponent = math.frexp(value)
    if mantissa == 0.5:
        # value == 2 ** (exponent - 1) is the upper end of its bucket.
        power = exponent - 1
        return (power << scale) - 1 if scale >= 0 else -((-power) >> -scale) - 1
    return math.ceil(math.ldexp(math.log2(value), scale)) - 1


SIGNED = st.floats(min_value=-1e15, max_value=1e15, allow_subnormal=False).filter(
    lambda value: value == 0 or abs(math.log2(abs(value)) - round(math.log2(abs(value)))) > 1e-6
)


@given(values=st.lists(SIGNED, min_size=1, max_size=60), scale=st.integers(-8, 6))
def test_negative_values_are_in_their_buckets_too(values: list[float], scale: int) -> None:
    """The SDK refuses them, other producers of the data model do not."""
    positive: dict[int, int] = {}
    negative: dict[int, int] = {}
    for value in values:
        if value:
            buckets = positive if value > 0 else negative
            index = index_of(abs(value), scale)
            buckets[index] = buckets.get(index, 0) + 1
    bounds, counts = classic_buckets(scale, values.count(0), dense(positive), dense(negative))
    assert sum(counts) == len(values)
    assert list(bounds) == sorted({*bounds})
    for position, bound in enumerate(bounds):
        assert sum(counts[: position + 1]) == sum(value <= bound for value in values)
    # Each value lies in a bucket whose count is not 0.
    for value in values:
        assert counts[bisect_left(bounds, value)] > 0


def dense(buckets: dict[int, int]) -> tuple[int, list[int]]:
    """Return the first index and the counts from it on."""
    if not buckets:
        return 0, []
    # A far outlier at a fine scale would make millions of empty buckets; the data model allows them.
    first, last = min(buckets), max(buckets)
    return first, [buckets.get(index, 0) for index in range(first, last + 1)]
