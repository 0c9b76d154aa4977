"""A reservoir that keeps the last exemplar of each bucket with one dict write.

The SDK's own aligned reservoir searches the bounds one by one, takes a lock and resolves the span at
every record: about 4 µs of each, on the hot path. This one resolves what it kept when it is collected.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.metrics import Exemplar, ExemplarReservoir
from opentelemetry.trace import get_current_span
from opentelemetry.util.types import Attributes


class LastPerBucketReservoir(ExemplarReservoir):
    """Keep the last measurement of each bucket.

    Args:
        boundaries: upper bounds of the buckets, strictly increasing, shape ``(b,)``.
    """

    def __init__(self, boundaries: Sequence[float] = (), **_: Any) -> None:
        self._boundaries = boundaries
        self._kept: dict[int, tuple[float, int, Attributes, Context]] = {}

    def offer(self, value: float, time_unix_nano: int, attributes: Attributes, context: Context) -> None:
        """Keep a measurement; a single dict write, so no lock is needed."""
        self._kept[bisect_left(self._boundaries, value)] = (value, time_unix_nano, attributes, context)

    def collect(self, point_attributes: Attributes) -> list[Exemplar]:
        """Return what was kept since the collection before, by bucket, and forget it."""
        kept, self._kept = self._kept, {}
        exemplars = []
        known = point_attributes or {}
        for bucket in sorted(kept):
            value, time_unix_nano, attributes, context = kept[bucket]
            span = get_current_span(context).get_span_context()
            filtered = {key: given for key, given in (attributes or {}).items() if key not in known}
            ids = (span.span_id, span.trace_id) if span.is_valid else (None, None)
            exemplars.append(Exemplar(filtered, value, time_unix_nano, *ids))
        return exemplars
