"""A bucket of tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.clock import Clock
from genotel.errors import SettingsError
from genotel.exposition.rate_limit import RateLimit, TokenBucket, parse_duration, read_rate_limit
from genotel.exposition.yaml_tables import Mistakes, read_table


@pytest.fixture
def read(tmp_path):
    """Return a reader of sections: the limit, or the text of the refusal."""

    def parse(text):
        path = tmp_path / "web.yml"
        path.write_text(text, encoding="utf-8")
        mistakes = Mistakes("web.yml")
        limit = read_rate_limit(read_table(path, mistakes))
        try:
            mistakes.refuse()
        except SettingsError as error:
            return str(error)
        return limit

    return parse


def test_tokens_come_back_one_an_interval():
    """And never more than the burst."""
    now = [100.0]
    bucket = TokenBucket(RateLimit(0.5, 2), Clock(monotonic=lambda: now[0]))
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now[0] += 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    now[0] += 1000
    assert [bucket.take() for _ in range(3)] == [True, True, False]


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5))
def test_no_window_lets_more_through_than_burst_and_rate(pauses, burst):
    """Whatever the order of requests and pauses."""
    now = [0.0]
    bucket = TokenBucket(RateLimit(1.0, burst), Clock(monotonic=lambda: now[0]))
    passed = 0
    for pause in pauses:
        now[0] += pause
        passed += bucket.take()
    assert passed <= burst + now[0] + 1e-6


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1.0), ("100ms", 0.1), ("1m30s", 90.0), ("1.5h", 5400.0), ("0", 0.0), ("0s", 0.0), ("20us", 2e-5)],
)
def test_durations_are_as_go_writes_them(text, seconds):
    """Numbers with units, one after the other."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "1d", "-1s", "1 s", "1s ", "1e3s", "١s"])
def test_what_is_no_duration_is_none(text):
    """A number alone has no unit."""
    assert parse_duration(text) is None


def test_a_limit_is_read(read):
    """An interval of 0 limits nothing, nor does an empty section."""
    assert read("{interval: 100ms, burst: 20}") == RateLimit(0.1, 20)
    assert read("{interval: 0, burst: 20}") is None
    assert read("{}") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("burst: 5", "needs interval"),
        ("{interval: 5, burst: 5}", "interval: is '5': expected a duration"),
        ("{interval: 48h, burst: 5}", "interval: is '48h'"),
        ("interval: 1s", "burst: expected a whole number"),
        ("{interval: 1s, burst: 0}", "burst: expected a whole number"),
        ("{interval: 1s, burst: 9999999}", "burst: expected a whole number"),
        ("{interval: 1s, burst: 5, per: user}", "per: unknown key"),
    ],
)
def test_a_wrong_limit_is_refused(read, text, says):
    """By its key."""
    assert says in read(text)
