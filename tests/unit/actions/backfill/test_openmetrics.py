"""A history is written as pages that could have been scraped: counters from 0, never back, in one run each."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse

from genotel.actions.backfill.openmetrics import Target, openmetrics
from genotel.actions.backfill.uses import Load, Use, Uses
from genotel.semconv import attributes as a
from genotel.semconv.generation_metrics import DURATION, REQUESTS
from genotel.semconv.model_metrics import LOAD_DURATION, MODEL_SIZE

TARGET = Target("app", "a:1", labels={"simulated": "true"})
END = 600.0


def use(time, model="sdxl", outcome=a.OUTCOME_OK, seconds=3.0):
    """Return a call."""
    return Use(time, model, "generate_content", "diffusers", outcome, seconds)


def written(*uses, loads=(), sizes=None, watched=((0.0, END),), end=END):
    """Return the values of every series by name, labels and time."""
    text = "".join(openmetrics(Uses(0.0, end, watched, tuple(uses), tuple(loads), sizes or {}), TARGET))
    assert text.endswith("\n# EOF\n")
    lines = [line for line in text.split("\n") if not line.startswith("#")]
    found = {}
    # Python's parser of OpenMetrics takes no histogram of two moments; that of text counts in milliseconds.
    for family in parse("\n".join(lines)):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items())), round(sample.timestamp * 1000)] = sample.value
    assert len(found) == len([line for line in lines if line])
    return found


def values(found, name, **labels):
    """Return the values of one series in the order of time."""
    rows = [
        (time, value)
        for (known, pairs, time), value in found.items()
        if known == name and labels.items() <= dict(pairs).items()
    ]
    return [value for _, value in sorted(rows)]


def test_counters_begin_at_0_one_scrape_before_the_first_use():
    """For every outcome, so that the first use is an increase."""
    found = written(use(130), use(250))
    assert values(found, REQUESTS.prometheus_name, genotel_outcome="ok") == [0, 1, 1, 2, 2, 2, 2, 2, 2]
    for outcome in a.OUTCOMES[1:]:
        assert values(found, REQUESTS.prometheus_name, genotel_outcome=outcome) == [0] * 9
    assert min(time for name, _, time in found if name == REQUESTS.prometheus_name) == 120


def test_durations_are_histograms_with_the_buckets_of_the_page():
    """Failures apart, as their error says."""
    found = written(use(130, seconds=3.0), use(190, outcome=a.OUTCOME_ERROR, seconds=0.5), use(200, seconds=None))
    name = DURATION.family
    assert values(found, f"{name}_count")[-1:] == [1]
    assert values(found, f"{name}_sum", error_type="error")[-1] == 0.5
    bounds = {dict(pairs)["le"] for known, pairs, _ in found if known == f"{name}_bucket"}
    assert len(bounds) == len(DURATION.buckets) + 1
    assert max(values(found, f"{name}_bucket", le="+Inf", error_type="error")) == 1
    assert max(values(found, f"{name}_bucket", le="2.56")) == 1  # the error alone
    assert set(bounds) <= {str(float(bound)) for bound in DURATION.buckets} | {"+Inf"}


def test_loads_and_sizes_are_there():
    """As far as they are known."""
    found = written(use(130), loads=[Load(100, "sdxl", 20.0)], sizes={"sdxl": 7e9})
    assert values(found, f"{LOAD_DURATION.family}_sum")[-1] == 20
    assert set(values(found, MODEL_SIZE.prometheus_name)) == {7e9}


def test_a_target_that_nobody_watched_was_down():
    """It was asked, and its series have a gap."""
    found = written(use(30), use(500), watched=((0.0, 120.0), (420.0, END)))
    assert values(found, "up") == [1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]
    assert values(found, REQUESTS.prometheus_name, genotel_outcome="ok") == [0, 1, 1, 1, 1, 2, 2]


def test_every_series_is_marked():
    """With job, instance and the labels that were asked for."""
    found = written(use(30))
    assert all(
        {"job": "app", "instance": "a:1", "simulated": "true"}.items() <= dict(pairs).items() for _, pairs, _ in found
    )


@pytest.mark.parametrize("model", ['quo"te', "back\\slash", "line\nend", "名前"])
def test_any_name_can_be_written(model):
    """Escaped as the format wants it."""
    found = written(use(30, model))
    assert values(found, REQUESTS.prometheus_name, gen_ai_request_model=model, genotel_outcome="ok")[-1] == 1


def test_the_last_use_is_seen():
    """By a scrape of its own, where it falls between two."""
    found = written(use(595.5), watched=((0.0, 595.5),), end=595.5)
    assert values(found, REQUESTS.prometheus_name, genotel_outcome="ok") == [0, 1]
    assert len(values(found, "up")) == 11


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(0, END), st.sampled_from(["a", "b"]), st.sampled_from(a.OUTCOMES)), max_size=20))
def test_what_is_counted_is_what_was(rows):
    """Counters never go back and end at the number of calls."""
    uses = sorted(use(time, model, outcome) for time, model, outcome in rows)
    found = written(*uses, end=END)
    for model in ("a", "b"):
        for outcome in a.OUTCOMES:
            counted = values(found, REQUESTS.prometheus_name, gen_ai_request_model=model, genotel_outcome=outcome)
            assert counted == sorted(counted)
            assert (counted or [0])[-1] == rows_of(rows, model, outcome)


def rows_of(rows, model, outcome):
    """Return how often a model ended like this."""
    return sum(one[1:] == (model, outcome) for one in rows)
