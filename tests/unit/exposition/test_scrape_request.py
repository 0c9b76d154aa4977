"""What a scrape asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.exposition.scrape_request import MAX_LIMIT_SECONDS, Scrape, limit_seconds, page_answer, read_scrape
from genotel.exposition.text_format import TEXT_0_0_4


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("10", 9.5),
        ("10.000000", 9.5),
        ("5", 4.5),
        ("1", 0.9),
        ("0.1", 0.09),
        ("0", MAX_LIMIT_SECONDS),
        ("", MAX_LIMIT_SECONDS),
        ("-1", MAX_LIMIT_SECONDS),
        ("abc", MAX_LIMIT_SECONDS),
        ("inf", MAX_LIMIT_SECONDS),
        ("nan", MAX_LIMIT_SECONDS),
        ("1e3", MAX_LIMIT_SECONDS),
        ("999999999", MAX_LIMIT_SECONDS),
        ("10, 10", MAX_LIMIT_SECONDS),
    ],
)
def test_limit_leaves_time_for_the_way_back(asked: str, expected: float) -> None:
    """The scraper's limit counts, less an offset; junk is no limit but ours."""
    assert limit_seconds(asked) == pytest.approx(expected)


@given(st.text(max_size=20))
def test_limit_is_always_sane(asked: str) -> None:
    """Whatever is asked, the limit is positive and bounded."""
    assert 0 < limit_seconds(asked) <= MAX_LIMIT_SECONDS


def test_scrapes_of_one_page_have_one_key() -> None:
    """Coding and time do not change the page; format and families do."""
    one = read_scrape({"accept-encoding": "gzip"}, "name[]=up")
    other = read_scrape({"x-prometheus-scrape-timeout-seconds": "3"}, "name[]=up")
    assert one.key == other.key
    assert one.key != read_scrape({}, "").key
    assert one.key != read_scrape({"accept": "text/plain;version=1.0.0"}, "name[]=up").key


def test_answer_names_its_coding() -> None:
    """Only a compressed page says so; both say what they depend on."""
    scrape = Scrape(TEXT_0_0_4)
    assert ("Content-Encoding", "gzip") in page_answer(scrape, b"", compressed=True).headers
    plain = dict(page_answer(scrape, b"", compressed=False).headers)
    assert plain == {"Content-Type": TEXT_0_0_4.content_type, "Vary": "Accept, Accept-Encoding"}
