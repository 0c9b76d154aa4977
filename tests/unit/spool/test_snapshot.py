"""What a worker writes is what others read, and nothing else can be read."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.exposition.series import Block, Exemplar, Family, HistogramSeries, NumberSeries
from genotel.semconv.spec import Merge
from genotel.spool.snapshot import (
    HEADER_BYTES,
    HEARTBEAT_OFFSET,
    Encoder,
    Header,
    Layouts,
    UnreadableSnapshotError,
    decode,
    header,
    read_header,
    share,
)
from tests.unit.spool.conftest import JOBS, LOAD, SECONDS, histogram, number

EXEMPLAR = Exemplar("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", 1.5, 17.25)


def told(shared):
    """Return everything that a family says, as plain values."""
    family, rule, rows, exemplars = shared
    series = [
        (row[0].labels, row[0].bounds if isinstance(row[0], HistogramSeries) else row[0].suffix, *row[1:])
        for row in rows
    ]
    return family, rule, series, exemplars


def whole_page():
    """Return a block of every kind."""
    calls = number(JOBS, 3, created=12.5, model='a "quoted"\n\\name', phase="é")
    calls.rows[0][0].keep(EXEMPLAR)
    took = histogram([1, 2, 0], 0.1 + 0.2, created=3.0)
    took.rows[0][0].keep(EXEMPLAR)
    foreign = Block(Family("old", "summary", "Old.", "seconds"), [(NumberSeries({}, None, "_count"), 4.0)])
    return [calls, took, number(LOAD, math.inf), foreign]


def test_what_is_written_is_read():
    """Names, rules, labels, births, values, buckets and exemplars."""
    shared = share(whole_page())
    snapshot = decode(Encoder(7, ["1-a.worker"]).encode(shared))
    assert snapshot.pid == 7
    assert snapshot.included == {"1-a.worker"}
    assert [told(family) for family in snapshot.families] == [told(family) for family in shared]


def test_values_that_are_no_numbers_survive():
    """A gauge may be NaN or infinite, and a page can say so."""
    snapshot = decode(Encoder(7).encode(share([number(LOAD, math.nan), number(JOBS, -math.inf)])))
    assert math.isnan(snapshot.families[0].rows[0][1])
    assert snapshot.families[1].rows[0][1] == -math.inf


def test_whole_and_other_numbers_stay_what_they_are():
    """In one family, as the SDK gives them."""
    rows = [(NumberSeries({"n": "1"}), 3), (NumberSeries({"n": "2"}), 0.5)]
    values = [row[1] for row in decode(Encoder(7).encode(share([Block(JOBS, rows)]))).families[0].rows]
    assert values == [3, 0.5]
    assert type(values[0]) is int
    rows[0] = (rows[0][0], 2**1001)
    with pytest.raises(UnreadableSnapshotError):
        decode(Encoder(7).encode(share([Block(JOBS, rows)])))


def test_parts_of_a_sum_are_read_as_such():
    """The file of ended processes has them."""
    shared = share([number(JOBS, 0)])[0]
    parts = shared._replace(rows=[(shared.rows[0][0], (1e-17, 0.5), None)])
    assert decode(Encoder(0).encode([parts])).families[0].rows[0][1] == (1e-17, 0.5)


def test_the_series_are_written_anew_only_where_they_changed():
    """From second to second only numbers are made into text."""
    series = NumberSeries({"model": "sdxl"})
    encoder = Encoder(7)
    first = encoder.encode(share([Block(JOBS, [(series, 1)])])).split(b"\n")
    second = encoder.encode(share([Block(JOBS, [(series, 2)])])).split(b"\n")
    other = encoder.encode(share([Block(JOBS, [(NumberSeries({"model": "flux"}), 2)])])).split(b"\n")
    assert first[1] is not second[1]
    assert first[1] == second[1] != other[1]
    assert (first[3], second[3]) == (b"[[1]]", b"[[2]]")


def test_the_series_are_understood_once():
    """They are the same in all workers of a program, whatever their births."""
    layouts = Layouts()
    bodies = [Encoder(pid).encode(share([number(JOBS, pid, created=float(pid))])) for pid in (7, 8)]
    one, other = (decode(body, layouts) for body in bodies)
    assert one.layout is other.layout
    assert one.families[0].rows[0][0] is other.families[0].rows[0][0]
    assert [each.families[0].rows[0][1:] for each in (one, other)] == [(7, 7.0), (8, 8.0)]
    del one, other
    assert len(layouts) == 0


def test_what_cannot_be_merged_is_left_out():
    """Times of birth of foreign series, quantiles, and names that no page could have."""
    created = (NumberSeries({}, None, "_created"), 17.0)
    count = (NumberSeries({}, None, "_count"), 4.0)
    quantile = (NumberSeries({"quantile": "0.5"}, None, ""), 0.3)
    family = Family("old", "summary")
    shared = share(
        [Block(family, [created, count, quantile]), Block(family, [created]), number(Family("a b", "gauge"), 1)]
    )
    assert [(each.family.name, [row[0].suffix for row in each.rows]) for each in shared] == [("old", ["_count"])]


def test_a_header_has_one_width_and_is_read_back():
    """The heartbeat is written over in place."""
    data = header(3, 17_000_000_000)
    assert len(data) == HEADER_BYTES
    assert read_header(data) == Header(3, 17_000_000_000)
    beaten = data[:HEARTBEAT_OFFSET] + b"%020d" % 18 + data[HEARTBEAT_OFFSET + 20 :]
    assert read_header(beaten) == Header(3, 18)


def test_another_version_is_refused_as_newer():
    """Whoever wrote it can read it."""
    with pytest.raises(UnreadableSnapshotError, match="version 2, this genotel reads 1") as refused:
        read_header(header(1, 1).replace(b"spool 0001", b"spool 0002"))
    assert refused.value.is_newer


@pytest.mark.parametrize("data", [b"", b"genotel-spool", b"\x00" * 100, header(1, 1)[1:]])
def test_what_is_no_file_of_ours_is_refused(data):
    """A page of zeros after a power cut, say."""
    with pytest.raises(UnreadableSnapshotError, match="does not begin") as refused:
        read_header(data)
    assert not refused.value.is_newer


SCHEMA = [[[1.0, 2.0]], [["jobs", "counter", "", "", "sum", True, "number", [["", None]]]]]
HISTOGRAM = [[[1.0, 2.0]], [["took", "histogram", "", "", "sum", True, "histogram", [["", 0]]]]]


def body(schema=SCHEMA, values=((1,),), exemplars=((),), who=None, births=((None,),)):
    """Return a file without its header."""
    lines = (who or {"pid": 7, "included": []}, schema, births, values, exemplars)
    return b"\n".join(json.dumps(line).encode() for line in lines)


def changed(schema, *path, to):
    """Return a schema with one thing changed."""
    copy = json.loads(json.dumps(schema))
    at = copy
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return copy


def test_the_files_that_are_spoilt_below_can_be_read_before():
    """Or the next test would prove nothing."""
    assert decode(body()).families[0].rows[0][1] == 1
    assert decode(body(HISTOGRAM, [[[0.5, 1, 2, 3]]])).families[0].rows[0][1:] == ([1, 2, 3], 0.5, None)
    assert decode(body(exemplars=[[[0, "a", "b", 1.0, 1.0]]])).families[0].exemplars[0][1].trace_id == "a"


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"{}\n[]\n[]\n[]",
        body(who={"pid": "7", "included": []}),
        body(who={"pid": 7, "included": [7]}),
        body(changed(SCHEMA, 1, 0, 0, to="jo bs")),
        body(changed(SCHEMA, 1, 0, 1, to="timer")),
        body(changed(SCHEMA, 1, 0, 2, to=None)),
        body(changed(SCHEMA, 1, 0, 4, to="average")),
        body(changed(SCHEMA, 1, 0, 7, to=[])),
        body(changed(SCHEMA, 1, 0, 7, 0, 0, to='a="b"\nevil 1')),
        body(changed(SCHEMA, 1, 0, 7, 0, 0, to='a="b",')),
        body(changed(SCHEMA, 1, 0, 7, 0, 0, to='a="b"c="d"')),
        body(changed(SCHEMA, 1, 0, 7, 0, 0, to=7)),
        body(changed(SCHEMA, 1, 0, 7, 0, 1, to="\n")),
        body(births=[[math.nan]]),
        body(births=[["1"]]),
        body(births=[[1.0, 2.0]]),
        body(values=[[1, 2]]),
        body(values=[["1"]]),
        body(values=[[None]]),
        body(values=[[True]]),
        body(values=[[[]]]),
        body(values=[[[1]]]),
        body(values=[[10**400]]),
        body(values=[]),
        body(exemplars=[]),
        body(values=[[1]], exemplars=[[[0, "a", "b", math.inf, 1.0]]]),
        body(values=[[1]], exemplars=[[[0, 1, "b", 1.0, 1.0]]]),
        body(values=[[1]], exemplars=[[[1, "a", "b", 1.0, 1.0]]]),
        body(changed(HISTOGRAM, 0, 0, to=[2.0, 1.0]), [[[0.5, 1, 2, 3]]]),
        body(changed(HISTOGRAM, 0, 0, to=[1.0, math.inf]), [[[0.5, 1, 2, 3]]]),
        body(changed(HISTOGRAM, 1, 0, 7, 0, 1, to=-1), [[[0.5, 1, 2, 3]]]),
        body(HISTOGRAM, [[[0.5, 1, 2]]]),
        body(HISTOGRAM, [[[0.5, 1, 2, -3]]]),
        body(HISTOGRAM, [[[0.5, 1, 2, 3.0]]]),
        b"[" * 100_000 + b"\n\n\n\n",
    ],
)
def test_what_does_not_look_as_it_should_is_refused(spoilt):
    """Whatever it is: never another error, never half of it."""
    with pytest.raises(UnreadableSnapshotError, match="corrupt"):
        decode(spoilt)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


@given(st.tuples(ANY, ANY, ANY, ANY, ANY))
def test_no_json_of_anybody_breaks_the_reader(lines):
    """It is refused or it is a snapshot."""
    try:
        decode(b"\n".join(json.dumps(line).encode() for line in lines))
    except UnreadableSnapshotError:
        pass


@given(st.data())
def test_no_damage_breaks_the_reader(data):
    """A byte flipped, a piece lost, a piece doubled."""
    good = Encoder(7).encode(share(whole_page()))
    at = data.draw(st.integers(0, len(good) - 1))
    to = data.draw(st.integers(at, len(good)))
    damaged = good[:at] + data.draw(st.binary(max_size=8)) + good[to:]
    try:
        snapshot = decode(damaged)
    except UnreadableSnapshotError:
        return
    for shared in snapshot.families:
        assert isinstance(shared.rule.merge, Merge)
        for row in shared.rows:
            assert "\n" not in row[0].labels


def test_a_family_of_histograms_keeps_its_bounds_once():
    """A thousand series of one metric have one list of bounds."""
    rows = [(HistogramSeries({"n": str(n)}, (1.0, 2.0)), [0, 0, 1], 3.0) for n in range(3)]
    schema = Encoder(7).encode(share([Block(SECONDS, rows)])).split(b"\n")[1]
    assert json.loads(schema)[0] == [[1.0, 2.0]]
