"""Messages of ``io.prometheus.client`` read by Google's own library: a second opinion on what we write by hand.

The fields are those of ``metrics.proto`` of prometheus/client_model, as far as a page can have them.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "io.prometheus.client"
# Message -> field: (number, type, whether there may be several, message type)
_D = descriptor_pb2.FieldDescriptorProto
_MESSAGES: dict[str, dict[str, tuple[int, int, bool, str]]] = {
    "Timestamp": {"seconds": (1, _D.TYPE_INT64, False, ""), "nanos": (2, _D.TYPE_INT32, False, "")},
    "LabelPair": {"name": (1, _D.TYPE_STRING, False, ""), "value": (2, _D.TYPE_STRING, False, "")},
    "Exemplar": {
        "label": (1, _D.TYPE_MESSAGE, True, "LabelPair"),
        "value": (2, _D.TYPE_DOUBLE, False, ""),
        "timestamp": (3, _D.TYPE_MESSAGE, False, "Timestamp"),
    },
    "Gauge": {"value": (1, _D.TYPE_DOUBLE, False, "")},
    "Untyped": {"value": (1, _D.TYPE_DOUBLE, False, "")},
    "Counter": {
        "value": (1, _D.TYPE_DOUBLE, False, ""),
        "exemplar": (2, _D.TYPE_MESSAGE, False, "Exemplar"),
        "created_timestamp": (3, _D.TYPE_MESSAGE, False, "Timestamp"),
    },
    "Quantile": {"quantile": (1, _D.TYPE_DOUBLE, False, ""), "value": (2, _D.TYPE_DOUBLE, False, "")},
    "Summary": {
        "sample_count": (1, _D.TYPE_UINT64, False, ""),
        "sample_sum": (2, _D.TYPE_DOUBLE, False, ""),
        "quantile": (3, _D.TYPE_MESSAGE, True, "Quantile"),
        "created_timestamp": (4, _D.TYPE_MESSAGE, False, "Timestamp"),
    },
    "BucketSpan": {"offset": (1, _D.TYPE_SINT32, False, ""), "length": (2, _D.TYPE_UINT32, False, "")},
    "Bucket": {
        "cumulative_count": (1, _D.TYPE_UINT64, False, ""),
        "upper_bound": (2, _D.TYPE_DOUBLE, False, ""),
        "exemplar": (3, _D.TYPE_MESSAGE, False, "Exemplar"),
    },
    "Histogram": {
        "sample_count": (1, _D.TYPE_UINT64, False, ""),
        "sample_sum": (2, _D.TYPE_DOUBLE, False, ""),
        "bucket": (3, _D.TYPE_MESSAGE, True, "Bucket"),
        "schema": (5, _D.TYPE_SINT32, False, ""),
        "zero_threshold": (6, _D.TYPE_DOUBLE, False, ""),
        "zero_count": (7, _D.TYPE_UINT64, False, ""),
        "negative_span": (9, _D.TYPE_MESSAGE, True, "BucketSpan"),
        "negative_delta": (10, _D.TYPE_SINT64, True, ""),
        "positive_span": (12, _D.TYPE_MESSAGE, True, "BucketSpan"),
        "positive_delta": (13, _D.TYPE_SINT64, True, ""),
        "created_timestamp": (15, _D.TYPE_MESSAGE, False, "Timestamp"),
        "exemplars": (16, _D.TYPE_MESSAGE, True, "Exemplar"),
    },
    "Metric": {
        "label": (1, _D.TYPE_MESSAGE, True, "LabelPair"),
        "gauge": (2, _D.TYPE_MESSAGE, False, "Gauge"),
        "counter": (3, _D.TYPE_MESSAGE, False, "Counter"),
        "summary": (4, _D.TYPE_MESSAGE, False, "Summary"),
        "untyped": (5, _D.TYPE_MESSAGE, False, "Untyped"),
        "histogram": (7, _D.TYPE_MESSAGE, False, "Histogram"),
    },
    "MetricFamily": {
        "name": (1, _D.TYPE_STRING, False, ""),
        "help": (2, _D.TYPE_STRING, False, ""),
        # An enumeration is an integer on the wire.
        "type": (3, _D.TYPE_UINT32, False, ""),
        "metric": (4, _D.TYPE_MESSAGE, True, "Metric"),
        "unit": (5, _D.TYPE_STRING, False, ""),
    },
}
TYPES = ("counter", "gauge", "summary", "untyped", "histogram")


def _family_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="genotel_tests_metrics.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, several, of) in fields.items():
            label = _D.LABEL_REPEATED if several else _D.LABEL_OPTIONAL
            described = message.field.add(name=field, number=number, type=kind, label=label)
            if several and not of:
                # Prometheus' own copy of the file has these packed; every reader takes both.
                described.options.packed = True
            if of:
                described.type_name = f".{_PACKAGE}.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.MetricFamily"))


_FAMILY = _family_class()


def families_of(body: bytes) -> dict[str, Any]:
    """Return the families of a body by name; nothing in it is unknown, and no name comes twice."""
    found: dict[str, Any] = {}
    position = 0
    while position < len(body):
        length = shift = 0
        while True:
            byte = body[position]
            position += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        family = _FAMILY.FromString(body[position : position + length])
        assert family.ByteSize() == length, "a field is not in metrics.proto"
        assert family.name not in found
        found[family.name] = family
        position += length
    assert position == len(body)
    return found


def labels_of(message: Any) -> dict[str, str]:
    """Return the labels of a metric or an exemplar."""
    return {pair.name: pair.value for pair in message.label}


def buckets_of(spans: Any, deltas: Any) -> dict[int, int]:
    """Return the counts of a native histogram's buckets by their index."""
    counts: dict[int, int] = {}
    index, count, rest = 0, 0, iter(deltas)
    for span in spans:
        index += span.offset
        for _ in range(span.length):
            count += next(rest)
            counts[index] = count
            index += 1
    assert next(rest, None) is None
    return counts


def samples_of(body: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the samples that a server makes of a body, each once; of histograms the classic ones."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}

    def note(name: str, labels: dict[str, str], value: float) -> None:
        key = (name, frozenset(labels.items()))
        assert key not in found, f"two series {key}"
        found[key] = value

    for name, family in families_of(body).items():
        for metric in family.metric:
            labels = labels_of(metric)
            told = getattr(metric, TYPES[family.type])
            if family.type == TYPES.index("histogram"):
                note(f"{name}_count", labels, told.sample_count)
                note(f"{name}_sum", labels, told.sample_sum)
                for bucket in told.bucket:
                    note(f"{name}_bucket", {**labels, "le": repr(bucket.upper_bound)}, bucket.cumulative_count)
            else:
                note(name, labels, told.value)
    return found
