"""Attributes become labels by the OpenTelemetry specification's rules."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from genotel.telemetry.labels import attribute_labels, scope_labels


@pytest.mark.parametrize(
    ("attributes", "labels"),
    [
        ({}, {}),
        ({"gen_ai.request.model": "sdxl"}, {"gen_ai_request_model": "sdxl"}),
        ({"a.b": "x", "a_b": "y", "a-b": "z"}, {"a_b": "z;x;y"}),
        ({"5xx": "a", "7xx": "b"}, {"key_5xx": "a", "key_7xx": "b"}),
        (
            {"flag": True, "n": 3, "ratio": 0.5, "none": None},
            {"flag": "true", "n": "3", "none": "null", "ratio": "0.5"},
        ),
        ({"list": ("a", "b")}, {"list": '["a", "b"]'}),
        ({"bytes": b"x"}, {"bytes": "\"b'x'\""}),
    ],
)
def test_names_are_made_legal_and_values_texts(attributes: dict[str, object], labels: dict[str, str]) -> None:
    """Keys that become one name have their values joined, in the order of the keys."""
    assert attribute_labels(attributes) == labels


def test_scopes_are_told_apart_by_everything_they_have() -> None:
    """What they do not have is no label."""
    assert scope_labels(InstrumentationScope("app")) == {"otel_scope_name": "app"}
    assert scope_labels(InstrumentationScope("")) == {}
    scope = InstrumentationScope("app", "1.0", "https://schema", {"tenant": "a", "shard": 2})
    assert scope_labels(scope) == {
        "otel_scope_name": "app",
        "otel_scope_version": "1.0",
        "otel_scope_schema_url": "https://schema",
        "otel_scope_tenant": "a",
        "otel_scope_shard": "2",
    }
