"""Of the series that a server holds, those that ever counted are asked for by hour, each once."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genotel.history.server_counts import _worth_asking
from genotel.history.server_days import KnownDays
from genotel.prometheus_api.chunking import Table
from genotel.prometheus_api.client import Notes
from genotel.promql.expression import Selector
from genotel.promql.usage_sources import OURS, CallCounter

TWO_LABELS = CallCounter(Selector("x"), "model", (((("a", "=", "1"), ("b", "=", "1")), "ok"), ((), "error")))
COUNTERS = (OURS.counters[0], TWO_LABELS)


def fits(labels: dict[str, str], matchers: tuple[tuple[str, str, str], ...]) -> bool:
    """Say whether a series is chosen, as Prometheus would."""
    return all(
        labels.get(label, "") == value if operator == "=" else re.fullmatch(value, labels.get(label, "")) is not None
        for label, operator, value in matchers
    )


@given(
    counter=st.sampled_from(COUNTERS),
    series=st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from("123456"), st.sampled_from("12"), st.booleans()), max_size=60
    ),
)
def test_every_series_that_counted_is_chosen_once(
    counter: CallCounter, series: list[tuple[int, str, str, bool]]
) -> None:
    """Never twice, or its calls would be counted twice."""
    names = (*counter.labels[1:], "b")[:2]
    distinct = {(model, *kinds): counted for model, *kinds, counted in series}
    labels = tuple(
        {counter.model_label: f"m{model}", names[0]: first, names[1]: second} for model, first, second in distinct
    )
    values = np.array([[float(counted)] for counted in distinct.values()]).reshape(-1, 1)
    table = Table(labels, np.array([0.0]), values, Notes())
    chosen = _worth_asking(KnownDays(OURS, counter, table), counter)
    for one, counted in zip(labels, distinct.values(), strict=True):
        times = sum(fits(one, matchers) for matchers in chosen)
        assert times == 1 if counted else times <= 1
