"""How long questions took, by whether they were answered."""

from __future__ import annotations

import pytest

from genotel.clock import Clock
from genotel.prometheus_api.query_times import QueryTimes


def test_a_question_falls_into_its_bucket_by_its_result() -> None:
    """Answered ones and refused ones are told apart; a refusal still raises."""
    now = [0.0]
    times = QueryTimes(Clock(monotonic=lambda: now[0]))
    with times.measured():
        now[0] += 0.03
    with pytest.raises(ValueError, match="refused"):
        _refused(times, now)
    (ok, ok_counts, ok_sum), (error, error_counts, error_sum) = times.snapshot()
    assert (ok, error) == ("ok", "error")
    assert ok_counts[2] == sum(ok_counts) == 1
    assert error_counts[-1] == sum(error_counts) == 1
    assert ok_sum == pytest.approx(0.03)
    assert error_sum == pytest.approx(1e9)


def _refused(times: QueryTimes, now: list[float]) -> None:
    with times.measured():
        now[0] += 1e9
        raise ValueError("refused")
