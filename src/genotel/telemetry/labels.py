"""Attributes of the SDK as labels of the page: names made legal, values made texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from genotel.semconv import attributes
from genotel.semconv.spec import label_name


def scope_labels(scope: InstrumentationScope) -> dict[str, str]:
    """Return the labels that tell one instrumentation scope from another."""
    labels = {label_name(f"otel.scope.{key}"): _text(value) for key, value in sorted((scope.attributes or {}).items())}
    for key, value in (
        (attributes.SCOPE_NAME, scope.name),
        (attributes.SCOPE_VERSION, scope.version),
        (attributes.SCOPE_SCHEMA_URL, scope.schema_url),
    ):
        # An empty label is no label in Prometheus.
        if value:
            labels[label_name(key)] = value
    return labels


def attribute_labels(values: Mapping[str, Any]) -> dict[str, str]:
    """Return label names to values; keys that become one name have their values joined by ``;``.

    The rule is the OpenTelemetry specification's, "Prometheus and OpenMetrics Compatibility",
    "Metric Attributes".

    Example:
        >>> attribute_labels({"a.b": "x", "a_b": "y", "n": 3})
        {'a_b': 'x;y', 'n': '3'}
    """
    labels: dict[str, str] = {}
    for key in sorted(values, key=str):
        name = label_name(str(key))
        text = _text(values[key])
        labels[name] = f"{labels[name]};{text}" if name in labels else text
    return labels


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
