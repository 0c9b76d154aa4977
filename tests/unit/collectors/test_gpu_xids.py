"""XIDs, counted so that none is missed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from genotel.collectors.gpu_xids import XidCounts
from genotel.semconv import gpu_metrics as m


def _counts(counts):
    return {labels[0::2]: value for spec, labels, value in counts.readings() if spec is m.ERRORS}


def test_known_codes_are_born_at_zero_for_each_gpu():
    """Only where they can be waited for."""
    counts = XidCounts()
    counts.watch(["GPU-1"])
    assert _counts(counts) == {("GPU-1", f"xid:{code}"): 0 for code in m.XIDS}


@given(events=st.lists(st.lists(st.sampled_from([79, 1234, 31]), max_size=4), min_size=1, max_size=8))
def test_the_increase_over_all_pages_is_what_happened(events):
    """Whatever the code and the moment: also the first one, also between two pages."""
    counts = XidCounts()
    pages = []
    for batch in events:
        for code in batch:
            counts.add("GPU-1", code, 5.0)
        pages.append(_counts(counts))
    pages.append(_counts(counts))
    for code in {code for batch in events for code in batch}:
        values = [page[key] for page in pages if (key := ("GPU-1", f"xid:{code}")) in page]
        assert values[0] == 0
        assert values == sorted(values)
        assert values[-1] - values[0] == sum(batch.count(code) for batch in events)


def test_the_last_one_has_its_time():
    """By GPU and code; a code that never came has none."""
    counts = XidCounts()
    counts.watch(["GPU-1"])
    counts.add("GPU-1", 79, 5.0)
    counts.add("GPU-1", 79, 7.0)
    times = [(labels, value) for spec, labels, value in counts.readings() if spec is m.XID_TIMESTAMP]
    assert times == [(("GPU-1", "79"), 7.0)]
