"""Several processes become one: by rule, exactly, with their exemplars and births."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.exposition.series import Block, Exemplar, Family, HistogramSeries, NumberSeries
from genotel.semconv.spec import Merge
from genotel.spool.merge import PROCESS_LABEL, Merger, Part, blocks
from genotel.spool.rules import Rule
from genotel.spool.snapshot import Encoder, decode, share, tell
from tests.unit.spool.conftest import JOBS, LOAD, SECONDS, histogram, number

USED = Family("genotel_model_last_used_timestamp_seconds", "gauge")
LIMIT = Family("system_memory_limit_bytes", "gauge")


def part(*its_blocks, pid=1, is_live=True, at=0.0):
    """Return a part of these blocks."""
    return Part(pid, share(its_blocks), is_live, at)


def values(shared):
    """Return labels to value of every number."""
    return {row[0].labels: row[1] for family in shared for row in family.rows}


def test_counters_add_up_by_label_set():
    """Each label set on its own."""
    merged = Merger().merge(
        [
            part(number(JOBS, 2, model="sdxl"), number(LOAD, 1)),
            part(number(JOBS, 3, model="sdxl"), pid=2),
            part(number(JOBS, 4, model="flux"), pid=3),
        ]
    )
    assert values(merged[:1]) == {'model="sdxl"': 5, 'model="flux"': 4}


def test_gauges_of_a_program_are_kept_apart_by_process():
    """Nothing tells whether they may be added."""
    merged = Merger().merge([part(number(LOAD, 0.5), pid=7), part(number(LOAD, 0.25, gpu="0"), pid=8)])
    assert values(merged) == {f'{PROCESS_LABEL}="7"': 0.5, f'gpu="0",{PROCESS_LABEL}="8"': 0.25}


def test_what_already_names_its_process_is_left_as_it_is():
    """A label twice would be no series at all."""
    merged = Merger().merge([part(number(LOAD, 0.5, process_pid="99"), number(LOAD, 1, a="b", process_pid="98"))])
    assert values(merged) == {'process_pid="99"': 0.5, 'a="b",process_pid="98"': 1}


def test_the_greatest_and_the_latest_count():
    """Last use by the greatest moment; the host's memory by who looked last."""
    merged = Merger().merge(
        [
            part(number(USED, 20.0), number(LIMIT, 64), at=2.0),
            part(number(USED, 10.0), number(LIMIT, 128), at=3.0),
            part(number(USED, 15.0), number(LIMIT, 32), at=1.0),
        ]
    )
    assert [shared.rows[0][1] for shared in merged] == [20.0, 128]


def test_of_an_ended_process_only_totals_and_moments_count():
    """Its states ended with it."""
    active = Family("active", "gauge", merge=Merge.SUM)
    ended = part(number(JOBS, 3), number(LOAD, 1), number(USED, 20.0), number(active, 1), is_live=False)
    merged = Merger().merge([ended])
    assert [(shared.family, shared.rows[0][1]) for shared in merged] == [(JOBS, 3), (USED, 20.0)]


def test_up_down_counters_of_a_program_add_up():
    """Their family says so."""
    active = Family("active", "gauge", merge=Merge.SUM)
    assert values(Merger().merge([part(number(active, 2)), part(number(active, -1))])) == {"": 1}


def test_histograms_add_up_bucket_by_bucket():
    """Counts and sums, and the birth of the oldest."""
    merged = Merger().merge(
        [part(histogram([1, 2, 3], 0.5, created=20.0)), part(histogram([10, 0, 1], 0.25, created=10.0))]
    )
    series, counts, total = merged[0].rows[0]
    assert (counts, total, series.created, series.bounds) == ([11, 2, 4], 0.75, 10.0, (1.0, 2.0))


def test_histograms_of_other_bounds_share_all_bounds():
    """No count is lost, and each stays under the bound that it is known to be under."""
    merged = Merger().merge(
        [part(histogram([1, 2, 3], 1.0, bounds=(1.0, 4.0))), part(histogram([10, 20, 30], 1.0, bounds=(2.0, 4.0)))]
    )
    series, counts, _ = merged[0].rows[0]
    assert (series.bounds, counts) == ((1.0, 2.0, 4.0), [1, 10, 22, 33])


def test_a_histogram_that_grows_a_bound_keeps_birth_and_exemplars():
    """An exponential one, when a new power of two is reached."""
    first = histogram([0, 1, 0], 1.5, created=5.0)
    first.rows[0][0].keep(Exemplar("a", "b", 1.5, 1.0))
    merger = Merger()
    merger.merge([part(first)])
    series = merger.merge([part(first), part(histogram([0, 1], 3.0, bounds=(4.0,)))])[0].rows[0][0]
    assert (series.bounds, series.created, series.exemplars[1].trace_id) == ((1.0, 2.0, 4.0), 5.0, "a")


def test_the_latest_exemplar_of_a_bucket_is_kept():
    """Of whichever process, and also when that process has ended."""
    merger = Merger()
    one, other = histogram([0, 1, 0], 1.5), histogram([0, 1, 0], 1.5)
    one.rows[0][0].keep(Exemplar("old", "b", 1.5, 1.0))
    other.rows[0][0].keep(Exemplar("new", "b", 1.5, 2.0))
    for order in permutations([part(one), part(other, is_live=False)]):
        assert merger.merge(order)[0].rows[0][0].exemplars[1].trace_id == "new"
    assert merger.merge([part(one)])[0].rows[0][0].exemplars[1].trace_id == "new"


def test_counters_keep_the_latest_exemplar_too():
    """As buckets do."""
    one, other = number(JOBS, 1), number(JOBS, 1)
    one.rows[0][0].keep(Exemplar("old", "b", 1.0, 1.0))
    other.rows[0][0].keep(Exemplar("new", "b", 1.0, 2.0))
    assert Merger().merge([part(other), part(one)])[0].rows[0][0].exemplar.trace_id == "new"


def test_series_live_from_merge_to_merge():
    """So that the page keeps their lines; what was away is forgotten."""
    merger = Merger()
    first = merger.merge([part(number(JOBS, 1), histogram([1, 0, 0], 0.5))])
    again = merger.merge([part(number(JOBS, 2), histogram([2, 0, 0], 0.5))])
    assert [a.rows[0][0] is b.rows[0][0] for a, b in zip(first, again, strict=True)] == [True, True]
    assert merger.merge([]) == []
    assert merger.merge([part(number(JOBS, 2))])[0].rows[0][0] is not first[0].rows[0][0]


def test_an_earlier_birth_is_written_into_the_lines_anew():
    """The time of birth stands in the template."""
    merger = Merger()
    series = merger.merge([part(number(JOBS, 1, created=9.0))])[0].rows[0][0]
    series.templates = ["kept", "kept"]
    merger.merge([part(number(JOBS, 1, created=9.0))])
    assert series.templates == ["kept", "kept"]
    merger.merge([part(number(JOBS, 1, created=3.0))])
    assert (series.created, series.templates) == (3.0, [None, None])


def test_the_same_target_is_told_once():
    """Each process has a random instance id; the page speaks for all of them."""
    target = Family("target", "info")
    ids = [
        {"service_instance_id": "a-1", "service_name": "paint"},
        {"service_instance_id": "b-2", "service_name": "paint"},
        {"os_type": "linux", "service_instance_id": "c-3"},
    ]
    merged = Merger().merge([part(number(target, 1, **labels)) for labels in ids])
    assert values(merged) == {'service_name="paint"': 1, 'os_type="linux"': 1}


def test_raw_rows_of_a_foreign_histogram_add_up_beside_ours():
    """A user's registry gives its histograms as numbers."""
    rows = [(NumberSeries({"le": "1.0"}, None, "_bucket"), 2.0), (NumberSeries({}, None, "_count"), 2.0)]
    merged = Merger().merge([part(Block(SECONDS, rows)), part(Block(SECONDS, rows), histogram([1, 0, 0], 0.5))])
    assert [(row[0].suffix, row[1]) for row in merged[0].rows] == [("_bucket", 4.0), ("_count", 4.0)]
    assert isinstance(merged[1].rows[0][0], HistogramSeries)


def test_of_two_rules_for_one_metric_the_first_decides():
    """Workers of two versions; once the older one is gone, the newer one's rule holds."""
    merger = Merger()
    older = part(number(LOAD, 1), pid=1)
    newer = Part(2, [share([number(LOAD, 2)])[0]._replace(rule=Rule(Merge.SUM, False))], True, 0)
    assert values(merger.merge([older, newer])) == {f'{PROCESS_LABEL}="1"': 1, f'{PROCESS_LABEL}="2"': 2}
    assert values(merger.merge([newer])) == {"": 2}


def test_a_latest_histogram_stands_for_all():
    """A host's histogram, had it one, is not the sum of its observers."""

    def observed(counts, at):
        return Part(1, [tell(SECONDS, Rule(Merge.LAST, False), histogram(counts, 0.5).rows)], True, at)

    merged = Merger().merge([observed([1, 0, 0], 2.0), observed([5, 0, 0], 1.0)])
    assert merged[0].rows[0][1] == [1, 0, 0]


def test_merged_families_are_blocks_of_a_page():
    """What the page takes."""
    merged = Merger().merge([part(number(JOBS, 1))])
    assert blocks(merged) == [Block(JOBS, merged[0].rows)]


# Whole numbers as large as any count of calls or bytes.
amounts = st.floats(min_value=0, max_value=1e300) | st.integers(min_value=0, max_value=2**49)


@given(st.lists(amounts, min_size=1, max_size=8), st.data())
def test_a_sum_is_the_same_in_every_order_and_grouping(given_values, data):
    """However processes are ordered and however many were folded before, to the last bit."""
    shuffled = data.draw(st.permutations(given_values))
    cut = data.draw(st.integers(0, len(shuffled)))
    folded = Merger(exact=True).merge([part(number(JOBS, value), is_live=False) for value in shuffled[:cut]])
    # Through the file and back, as it happens.
    folded = decode(Encoder(0).encode([tell(*merged) for merged in folded])).families
    rest = [part(number(JOBS, value)) for value in shuffled[cut:]]
    [shared] = Merger().merge([Part(0, folded, False, 0), *rest])
    assert shared.rows[0][1] == float(sum(map(Fraction, given_values)))


@given(st.lists(st.floats(min_value=0, max_value=1e300), min_size=1, max_size=6), st.floats(0, 1e300))
def test_a_sum_never_goes_backwards(given_values, more):
    """A counter that loses its last bit would be a restart to Prometheus."""
    before = Merger().merge([part(number(JOBS, value)) for value in given_values])[0].rows[0][1]
    grown = [given_values[0] + more, *given_values[1:]]
    folded = Merger(exact=True).merge([part(number(JOBS, value)) for value in grown[1:]])
    ended = Part(0, [tell(*merged) for merged in folded], False, 0)
    after = Merger().merge([ended, part(number(JOBS, grown[0]))])[0].rows[0][1]
    assert after >= before


@pytest.mark.parametrize("lost", [math.inf, math.nan, -math.inf])
def test_a_sum_with_something_that_is_no_number_is_none_either(lost):
    """Rather than an error."""
    for merger in (Merger(), Merger(exact=True)):
        total = merger.merge([part(number(JOBS, lost)), part(number(JOBS, 1))])[0].rows[0][1]
        total = total[0] if isinstance(total, tuple) else total
        assert total == lost or math.isnan(total)


def test_a_sum_beyond_all_floats_is_infinite():
    """As adding them one by one would be."""
    assert Merger().merge([part(number(JOBS, 1.7e308)), part(number(JOBS, 1.7e308))])[0].rows[0][1] == math.inf


def test_whole_numbers_stay_whole():
    """A page that said 3 does not say 3.0 later."""
    total = Merger().merge([part(number(JOBS, 2**60)), part(number(JOBS, 1))])[0].rows[0][1]
    assert total == 2**60 + 1
    assert type(total) is int
