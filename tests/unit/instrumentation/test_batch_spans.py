"""Spans of a loop are bounded, and link to what their batch is made of."""

from __future__ import annotations

import pytest
from opentelemetry.trace import INVALID_SPAN_CONTEXT, Link, NonRecordingSpan

from genotel.instrumentation.batch_spans import MOST_LINKS, is_sampled, links_to, makes_span


def test_the_first_hundred_and_some_of_each_doubling_are_sampled() -> None:
    """A loop that is ten times as long makes some 170 spans more, whatever its length."""
    counts = [sum(map(is_sampled, range(10**exponent))) for exponent in range(2, 7)]
    assert counts == [100, 263, 429, 598, 762]


@pytest.mark.parametrize(("mode", "spans"), [("each", 300), ("none", 0), ("sampled", 175)])
def test_a_mode_says_which_batches_make_spans(mode: str, spans: int) -> None:
    """Of the first 300."""
    assert sum(makes_span(mode, index) for index in range(300)) == spans  # type: ignore[arg-type]  # a mode


def test_links_are_made_of_spans_contexts_and_links() -> None:
    """Anything else is left out, and so is what is too many."""
    link = Link(INVALID_SPAN_CONTEXT)
    found = links_to([link, INVALID_SPAN_CONTEXT, NonRecordingSpan(INVALID_SPAN_CONTEXT), "trace", None])
    assert [each.context for each in found] == [INVALID_SPAN_CONTEXT] * 3
    assert found[0] is link
    assert len(links_to([link] * 1000)) == MOST_LINKS
    assert links_to(None) == []
