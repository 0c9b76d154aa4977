"""PromQL text cannot be broken out of."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.promql.expression import Selector, duration, quoted, select, sum_by
from genotel.semconv.generation_metrics import DURATION, REQUESTS

SECONDS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def test_a_selector_quotes_its_values() -> None:
    """A model may be named as it likes."""
    selector = Selector("calls_total", (("model", "=", 'a"} or up{x="'), ("path", "!~", "c\\d\n")))
    assert str(selector) == 'calls_total{model="a\\"} or up{x=\\"",path!~"c\\\\d\\n"}'
    assert str(Selector("up")) == "up"


def test_a_range_may_lie_in_the_past() -> None:
    """Windows and offsets are written in the largest unit that fits."""
    assert Selector("up").over(900) == "up[15m]"
    assert Selector("up", (("job", "=", "x"),)).over(7200, offset_seconds=86_400) == 'up{job="x"}[2h] offset 1d'


def test_a_selector_is_renamed_with_its_labels() -> None:
    """To ask a metric's sister about the same series."""
    assert str(Selector("a_total", (("m", "=", "x"),)).renamed("a_created")) == 'a_created{m="x"}'


def test_metrics_of_the_catalogue_are_chosen_by_their_prometheus_name() -> None:
    """Counters with their suffix, histograms by their family."""
    assert select(REQUESTS).name == "genotel_generation_requests_total"
    assert select(DURATION).name == "gen_ai_client_operation_duration_seconds"


def test_sums_go_by_labels_or_over_all() -> None:
    """Any iterable of names."""
    assert sum_by(iter(["a", "b"]), "x") == "sum by (a, b) (x)"
    assert sum_by((), "x") == "sum(x)"


@given(value=st.text())
def test_a_quoted_text_is_read_back(value: str) -> None:
    """Go's escapes for quotes, backslashes and line breaks are those of JSON."""
    assert json.loads(quoted(value), strict=False) == value


@given(milliseconds=st.integers(1, 10**12))
def test_a_duration_is_read_back(milliseconds: int) -> None:
    """To the millisecond."""
    text = duration(milliseconds / 1000)
    unit = text.lstrip("0123456789")
    assert round(int(text.removesuffix(unit)) * SECONDS[unit] * 1000) == milliseconds


def test_a_duration_of_nothing_is_refused() -> None:
    """PromQL has none."""
    with pytest.raises(ValueError, match="a millisecond or more"):
        duration(0.0004)
