"""Which batches make a span, and what it links to; bounded however long a loop is."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Literal

from opentelemetry.trace import Link, Span, SpanContext

SpanMode = Literal["each", "sampled", "none"]
SPAN_MODES: tuple[SpanMode, ...] = ("each", "sampled", "none")

# The first batches show how a loop begins; after them about fifty of each doubling show how it goes on.
# A million batches make 762 spans.
FIRST_SPANS = 100
# The SDK keeps no more by default.
MOST_LINKS = 128


def is_sampled(index: int) -> bool:
    """Say whether the batch of this number, from 0, makes a span where not each one does.

    Example:
        >>> sum(map(is_sampled, range(1_000_000)))
        762
    """
    return index < FIRST_SPANS or not index % (1 << (index // FIRST_SPANS).bit_length())


def makes_span(mode: SpanMode, index: int) -> bool:
    """Say whether the batch of this number, from 0, makes a span."""
    return mode == "each" or (mode == "sampled" and is_sampled(index))


def links_to(targets: Iterable[Any] | None) -> list[Link]:
    """Return links to spans, span contexts or links, the first 128 of them; anything else is left out."""
    links = []
    for target in islice(targets or (), MOST_LINKS):
        if isinstance(target, Link):
            links.append(target)
        elif isinstance(target, SpanContext):
            links.append(Link(target))
        elif isinstance(target, Span):
            links.append(Link(target.get_span_context()))
    return links
