"""A page has each name and each series once, whatever its sources do."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from genotel import guard
from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.page import Page
from genotel.exposition.series import Block, Exemplar, Family, HistogramSeries, NumberSeries
from genotel.exposition.text_format import TEXT_0_0_4
from tests.observed import lenient
from tests.pages import labelled, read_page, series_of


class Fixed:
    """Give the same blocks at every scrape, and count the scrapes."""

    def __init__(self, *blocks: Block) -> None:
        self.made = blocks
        self.scrapes = 0

    def blocks(self) -> Iterable[Block]:
        """Return them."""
        self.scrapes += 1
        return self.made


def number(name: str, kind: Any, value: Any, help: str = "", **labels: str) -> Block:
    """Return a block of one number."""
    return Block(Family(name, kind, help), [(NumberSeries(labels), value)])


def histogram(name: str, counts: list[int], total: float, bounds: tuple[float, ...] = (1.0,), **labels: str) -> Block:
    """Return a block of one histogram."""
    return Block(Family(name, "histogram"), [(HistogramSeries(labels, bounds), counts, total)])


def text(*blocks: Block) -> str:
    """Return the text page of one source."""
    return Page([Fixed(*blocks)]).render(TEXT_0_0_4).decode()


def test_an_empty_page_is_empty() -> None:
    """But for OpenMetrics' end."""
    page = Page()
    assert (page.render(TEXT_0_0_4), page.render(OPENMETRICS_1_0_0), page.series_count) == (b"", b"# EOF\n", 0)


def test_a_family_without_rows_has_no_header() -> None:
    """Unknown is absent."""
    assert text(Block(Family("a", "gauge"), [])) == ""


def test_values_are_those_of_the_scrape() -> None:
    """The template of a series stays, its value does not."""
    series = NumberSeries({"a": "x"})
    source = Fixed()
    page = Page([source])
    for value in (1, 2.5, 3):
        source.made = (Block(Family("jobs", "counter"), [(series, value)]),)
        assert series_of(page.render(TEXT_0_0_4).decode()) == {labelled("jobs_total", a="x"): value}
    assert source.scrapes == 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
        (1e300, "1e+300"),
        (-0.0, "-0.0"),
        (10**20, "1" + "0" * 20),
    ],
)
def test_numbers_are_written_as_parsers_take_them(value: float, shown: str) -> None:
    """Python's own names of infinities are unknown to them."""
    assert text(number("a", "gauge", value)).endswith(f"a {shown}\n")
    assert f"b_sum {shown}\n" in text(histogram("b", [1, 0], value))


def test_the_counts_of_a_histogram_add_up() -> None:
    """From bucket to bucket; the last is the count."""
    assert series_of(text(histogram("a", [1, 2, 4], 9.5, (1.0, 2.0), b="x"))) == {
        labelled("a_bucket", b="x", le="1.0"): 1,
        labelled("a_bucket", b="x", le="2.0"): 3,
        labelled("a_bucket", b="x", le="+Inf"): 7,
        labelled("a_sum", b="x"): 9.5,
        labelled("a_count", b="x"): 7,
    }


def test_many_rows_are_all_there() -> None:
    """They are written some at a time."""
    rows = [(NumberSeries({"n": str(number)}), number) for number in range(1000)]
    page = Page([Fixed(Block(Family("a", "gauge"), rows))])
    assert len(series_of(page.render(TEXT_0_0_4).decode())) == page.series_count == 1000


# --- Names ------------------------------------------------------------------------------------------


def test_families_of_one_name_and_kind_share_a_block() -> None:
    """The first one's help and unit are the page's."""
    page = text(number("a", "gauge", 1, "One.", x="1"), number("a", "gauge", 2, "Two.", x="2"))
    assert page == '# HELP a One.\n# TYPE a gauge\na{x="1"} 1\na{x="2"} 2\n'


def test_a_name_that_another_kind_has_is_renamed(caplog: pytest.LogCaptureFixture) -> None:
    """Both stay readable; said once."""
    page = Page([Fixed(number("a", "counter", 1), number("a", "gauge", 2), histogram("a", [3, 0], 1.0))])
    for _ in range(2):
        assert read_page(page) == {
            labelled("a_total"): 1,
            labelled("a_gauge"): 2,
            labelled("a_histogram_bucket", le="1.0"): 3,
            labelled("a_histogram_bucket", le="+Inf"): 3,
            labelled("a_histogram_sum"): 1,
            labelled("a_histogram_count"): 3,
        }
    assert [record.getMessage() for record in caplog.records] == [
        "genotel: gauge a clashes with another metric of that name; it is on the page as a_gauge",
        "genotel: histogram a clashes with another metric of that name; it is on the page as a_histogram",
    ]


@pytest.mark.parametrize(
    ("kind", "second"),
    [
        ("counter", "a_total"),
        ("counter", "a_created"),
        ("histogram", "a_bucket"),
        ("histogram", "a_sum"),
        ("histogram", "a_count"),
        ("info", "a_info"),
        ("info", "a"),
    ],
)
def test_the_name_of_a_sample_is_taken_too(kind: str, second: str) -> None:
    """In whichever order they come."""
    for order in (1, -1):
        first = histogram("a", [1, 0], 1) if kind == "histogram" else number("a", kind, 1)
        series = read_page(Page([Fixed(*[first, number(second, "gauge", 5)][::order])]))
        assert {1, 5} <= {*series.values()}


def test_a_renamed_name_may_be_taken_as_well() -> None:
    """Then it is renamed once more."""
    page = Page([Fixed(number("a", "counter", 1), number("a_gauge", "counter", 2), number("a", "gauge", 3))])
    assert read_page(page) == {labelled("a_total"): 1, labelled("a_gauge_total"): 2, labelled("a_gauge_gauge"): 3}


def test_a_name_keeps_its_place_while_its_owner_is_away() -> None:
    """Or a series would change its name with the scrape."""
    source = Fixed(number("a", "counter", 1), number("a", "gauge", 2))
    page = Page([source])
    page.render(TEXT_0_0_4)
    source.made = (number("a", "gauge", 2),)
    assert series_of(page.render(TEXT_0_0_4).decode()) == {labelled("a_gauge"): 2}


# --- Sources ----------------------------------------------------------------------------------------


def test_a_series_of_two_sources_is_there_once(caplog: pytest.LogCaptureFixture) -> None:
    """The first one's value; said once."""
    page = Page([Fixed(number("a", "gauge", 1, b="x")), Fixed(number("a", "gauge", 2, b="x"))])
    for _ in range(2):
        assert read_page(page) == {labelled("a", b="x"): 1}
    assert [record.getMessage() for record in caplog.records] == [
        "genotel: two sources export the same series of a; only the first is on the page"
    ]


def test_rows_of_another_shape_are_left_out() -> None:
    """A foreign registry's raw lines of a histogram beside ours."""
    raw = Block(Family("a", "histogram"), [(NumberSeries({"le": "1.0"}, suffix="_bucket"), 5)])
    assert labelled("a_count") in read_page(Page([Fixed(histogram("a", [1, 0], 1)), Fixed(raw)]))


def test_series_with_suffixes_of_their_own_are_told_apart() -> None:
    """The count and sum of a foreign summary."""
    rows = [(NumberSeries(suffix="_count"), 3), (NumberSeries(suffix="_sum"), 4.5)]
    page = Page([Fixed(Block(Family("a", "summary"), rows)), Fixed(Block(Family("a", "summary"), rows[:1]))])
    assert read_page(page) == {labelled("a_count"): 3, labelled("a_sum"): 4.5}


def test_a_source_that_raises_costs_its_own_lines() -> None:
    """The others answer."""

    class Broken:
        """Raise in the middle."""

        def blocks(self) -> Iterable[Block]:
            """Yield one block, then raise."""
            yield number("b", "gauge", 2)
            raise RuntimeError("broken")

    page = Page([Fixed(number("a", "gauge", 1)), Broken(), Fixed(number("c", "gauge", 3))])
    with lenient():
        assert read_page(page) == {labelled("a"): 1, labelled("c"): 3}
    assert guard.internal_errors() == {"exposition.source": 2}


@pytest.mark.parametrize("bad", ["no number", None, (1, 2, 3), {"a": 1}])
def test_a_value_that_is_none_costs_its_own_line(bad: Any) -> None:
    """Of a family that others share."""
    good, spoiled = NumberSeries({"n": "1"}), NumberSeries({"n": "2"})
    page = Page([Fixed(Block(Family("a", "gauge"), [(good, 1), (spoiled, bad)]), number("b", "gauge", 2))])
    with lenient():
        assert read_page(page) == {labelled("a", n="1"): 1, labelled("b"): 2}
        assert page.series_count == 2
    assert guard.internal_errors() == {"exposition.render": 2}


def test_a_histogram_with_counts_for_other_buckets_costs_its_own_lines() -> None:
    """Or all of it, where there is no other."""
    one = Block(Family("a", "histogram"), [(HistogramSeries({}, (1.0, 2.0)), [1], 1.0)])
    with lenient():
        assert read_page(Page([Fixed(one, number("b", "gauge", 2))])) == {labelled("b"): 2}


def test_sources_come_and_go() -> None:
    """From the next scrape on."""
    first, second = Fixed(number("a", "gauge", 1)), Fixed(number("b", "gauge", 2))
    page = Page([first])
    page.add_source(second)
    assert read_page(page) == {labelled("a"): 1, labelled("b"): 2}
    page.remove_source(first)
    page.remove_source(first)
    assert read_page(page) == {labelled("b"): 2}


# --- What else the page does ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ({"a"}, {"a_total"}),
        ({"a_total"}, {"a_total"}),
        ({"a_created"}, {"a_total"}),
        ({"h_bucket"}, {"h_bucket", "h_sum", "h_count"}),
        ({"h", "a"}, {"a_total", "h_bucket", "h_sum", "h_count"}),
        ({"b"}, set()),
        (set(), set()),
    ],
)
def test_a_page_may_be_cut_down_to_some_names(names: set[str], found: set[str]) -> None:
    """By the name of the family or of one of its samples."""
    page = Page([Fixed(number("a", "counter", 1), histogram("h", [1, 0], 1.0))])
    assert {name for name, _ in series_of(page.render(TEXT_0_0_4, frozenset(names)).decode())} == found


def test_a_new_exemplar_is_on_the_next_page() -> None:
    """The template is made anew for it, of OpenMetrics only."""
    series = HistogramSeries({}, (1.0,))
    page = Page([Fixed(Block(Family("a", "histogram"), [(series, [1, 0], 0.5)]))])
    before = page.render(TEXT_0_0_4)
    assert b" # {" not in page.render(OPENMETRICS_1_0_0)
    series.keep(Exemplar("a" * 32, "b" * 16, 0.5, 17.0))
    assert page.render(OPENMETRICS_1_0_0).count(b" # {") == 1
    assert page.render(TEXT_0_0_4) == before


def test_lone_surrogates_do_not_cost_the_page() -> None:
    """An undecodable file name in a help text or label."""
    page = Page([Fixed(number("a", "gauge", 1, "\ud800", b="\udfff"))])
    assert page.render(TEXT_0_0_4) == b'# HELP a ?\n# TYPE a gauge\na{b="?"} 1\n'


def test_scrapes_at_the_same_time_get_the_same_page() -> None:
    """The sources are never asked by two threads at once."""
    inside: list[int] = []
    overlaps: list[int] = []

    class Watching(Fixed):
        """Notice a second asker."""

        def blocks(self) -> Iterable[Block]:
            """Return the blocks."""
            inside.append(1)
            overlaps.append(len(inside))
            rows = [*super().blocks()]
            inside.pop()
            return rows

    page = Page([Watching(number("a", "gauge", 1))])
    pages: list[bytes] = []
    threads = [threading.Thread(target=lambda: pages.append(page.render(TEXT_0_0_4))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len({*pages}), {*overlaps}) == (1, {1})


def test_what_others_add_is_on_the_page() -> None:
    """A spool's other processes; where they cannot be joined, the page is this process's own."""
    page = Page([Fixed(number("a", "gauge", 1))])
    page.join(lambda blocks: [*blocks, number("b", "gauge", 2)])
    assert read_page(page) == {labelled("a"): 1, labelled("b"): 2}
    assert page.take(lambda blocks: [family.name for family, _ in blocks]) == ["a"]
    page.join(lambda blocks: 1 / 0)  # type: ignore[arg-type,return-value]  # raises
    with lenient():
        assert read_page(page) == {labelled("a"): 1}
    page.join(None)
    assert read_page(page) == {labelled("a"): 1}
