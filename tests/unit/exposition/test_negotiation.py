"""Negotiation by quality and specificity, and whatever else strangers send."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genotel.exposition.negotiation import FORMATS, negotiate, wants_gzip
from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.protobuf import PROTOBUF
from genotel.exposition.text_format import TEXT_0_0_4, TEXT_1_0_0

OPENMETRICS = "application/openmetrics-text"
DELIMITED = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
PROMETHEUS_2 = (
    f"{OPENMETRICS};version=1.0.0,{OPENMETRICS};version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    f"{OPENMETRICS};version=1.0.0;escaping=allow-utf-8;q=0.6,{OPENMETRICS};version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_NATIVE_HISTOGRAMS = f"{DELIMITED};q=0.7,{PROMETHEUS_3}"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", TEXT_0_0_4),
        ("*/*", TEXT_0_0_4),
        ("text/*", TEXT_0_0_4),
        ("application/*", OPENMETRICS_1_0_0),
        ("text/*;q=0.5, application/*;q=0.6", OPENMETRICS_1_0_0),
        (BROWSER, TEXT_0_0_4),
        (PROMETHEUS_2, OPENMETRICS_1_0_0),
        (PROMETHEUS_3, OPENMETRICS_1_0_0),
        # protobuf: this message in this coding or none
        (PROMETHEUS_3_NATIVE_HISTOGRAMS, PROTOBUF),
        (DELIMITED, PROTOBUF),
        (f"{DELIMITED};escaping=allow-utf-8", PROTOBUF),
        (f"{DELIMITED};q=0.9, {OPENMETRICS};q=0.1", PROTOBUF),
        (f"{DELIMITED};q=0.1, {OPENMETRICS};q=0.9", OPENMETRICS_1_0_0),
        (f"{DELIMITED};q=0, */*", TEXT_0_0_4),
        ("application/vnd.google.protobuf", TEXT_0_0_4),
        ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", TEXT_0_0_4),
        ("application/vnd.google.protobuf;proto=io.prometheus.client.Other;encoding=delimited", TEXT_0_0_4),
        ("application/vnd.google.protobuf;encoding=delimited, text/plain;version=1.0.0;q=0.1", TEXT_1_0_0),
        # text, its versions and both spellings of the escaping
        ("text/plain", TEXT_0_0_4),
        ("text/plain;version=0.0.4", TEXT_0_0_4),
        ("text/plain;version=1.0.0", TEXT_1_0_0),
        ("text/plain;version=1.0.0;escaping=allow-utf-8", TEXT_1_0_0),
        ("text/plain;version=1.0.0;escaping=allow-utf8", TEXT_1_0_0),
        ("text/plain;version=1.0.0;escaping=junk", TEXT_1_0_0),
        ("text/plain;version=0.0.4, text/plain;version=1.0.0", TEXT_1_0_0),
        ("text/plain;version=0.0.4;q=0, */*", TEXT_1_0_0),
        ("text/plain;version=0.0.4;q=0.9, text/plain;version=1.0.0;q=0.8", TEXT_0_0_4),
        # OpenMetrics and its versions: the exact one or none
        (OPENMETRICS, OPENMETRICS_1_0_0),
        (f"{OPENMETRICS};version=1.0.0", OPENMETRICS_1_0_0),
        (f'{OPENMETRICS}; version="1.0.0"', OPENMETRICS_1_0_0),
        (f"{OPENMETRICS};version=1.0.0;escaping=allow-utf8", OPENMETRICS_1_0_0),
        (f"{OPENMETRICS};version=0.0.1", TEXT_0_0_4),
        (f"{OPENMETRICS};version=2.0.0", TEXT_0_0_4),
        (f"{OPENMETRICS};version=99.0.0", TEXT_0_0_4),
        (f"{OPENMETRICS};version=99", TEXT_0_0_4),
        (f"{OPENMETRICS};version=abc", TEXT_0_0_4),
        (f"{OPENMETRICS};version=", OPENMETRICS_1_0_0),
        ("APPLICATION/OpenMetrics-Text;Version=1.0.0", OPENMETRICS_1_0_0),
        # quality
        (f"{OPENMETRICS};q=0", TEXT_0_0_4),
        (f"{OPENMETRICS};q=0, */*", TEXT_0_0_4),
        (f"{OPENMETRICS};version=1.0.0;q=0, {OPENMETRICS};q=1, text/plain;version=1.0.0;q=0.1", TEXT_1_0_0),
        (f"text/plain;q=1, {OPENMETRICS};q=0.1", TEXT_0_0_4),
        (f"text/plain;q=0.1, {OPENMETRICS};q=1", OPENMETRICS_1_0_0),
        (f"text/plain, {OPENMETRICS}", OPENMETRICS_1_0_0),
        (f"text/plain;version=0.0.4, {OPENMETRICS}", TEXT_0_0_4),
        (f"{OPENMETRICS};q=0.000, text/plain;q=0.001", TEXT_0_0_4),
        (f"{OPENMETRICS};q=7, text/plain;q=1", OPENMETRICS_1_0_0),
        (f"{OPENMETRICS};q=abc", TEXT_0_0_4),
        (f"{OPENMETRICS};q=-1", TEXT_0_0_4),
        (f"{OPENMETRICS};q=", TEXT_0_0_4),
        (f"{OPENMETRICS};q=.", TEXT_0_0_4),
        (f"{OPENMETRICS};q=nan", TEXT_0_0_4),
        (f"{OPENMETRICS};q=1e0", TEXT_0_0_4),
        # junk
        (",,;;,=;=", TEXT_0_0_4),
        ("text", TEXT_0_0_4),
        ("/", TEXT_0_0_4),
        (f'x/y;a=",", {OPENMETRICS}', OPENMETRICS_1_0_0),
        (f'x/y;a="open, {OPENMETRICS}', TEXT_0_0_4),
        (f'x/y;a="\\", {OPENMETRICS}"', TEXT_0_0_4),
        (f"junk, {OPENMETRICS};;;version=1.0.0", OPENMETRICS_1_0_0),
    ],
)
def test_format_follows_quality_then_specificity(accept: str, expected: object) -> None:
    """The best format that we have is chosen; anything else gets text 0.0.4."""
    assert negotiate(accept) is expected


def test_content_types_name_version_and_escaping() -> None:
    """Formats of version 1.0.0 say how names are escaped; text 0.0.4 knows no escaping."""
    assert [offered.content_type for offered in FORMATS] == [
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; "
        "escaping=underscores",
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        "text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
        "text/plain; version=0.0.4; charset=utf-8",
    ]


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br, zstd", False),
        ("*", True),
        ("*;q=0", False),
        ("*;q=0.5, gzip;q=0", False),
        ("gzip;q=0", False),
        ("gzip;q=0, gzip;q=1", False),
        ("gzip;q=0.1", True),
        ("identity", False),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("identity;q=0.6, gzip;q=0.5", False),
        ("identity;q=0", False),
        ("gzip;q=junk", False),
        (";;,", False),
    ],
)
def test_gzip_follows_quality(accept_encoding: str, expected: bool) -> None:
    """Gzip is used where it is wanted at least as much as the plain body."""
    assert wants_gzip(accept_encoding) is expected


_PIECES = st.sampled_from(
    [
        "text/plain",
        OPENMETRICS,
        DELIMITED,
        "*/*",
        "text/*",
        ";",
        ",",
        "=",
        "q",
        "q=0",
        "q=1.5",
        "version=1.0.0",
        "version=abc",
        '"',
        "\\",
        " ",
        "gzip",
        "\x00",
        "é",
    ]
)


@given(st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=40).map("".join)))
@example('"' + '\\"' * 50 + "\\")
def test_any_header_gets_a_format_we_have(header: str) -> None:
    """No header raises, and the answer is always one of the formats."""
    assert negotiate.__wrapped__(header) in FORMATS
    assert wants_gzip.__wrapped__(header) in (True, False)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([OPENMETRICS, "text/plain;version=1.0.0", "text/plain;version=0.0.4"]), st.integers(0, 1000)
        ),
        min_size=1,
        unique_by=lambda entry: entry[0],
    ),
    st.randoms(use_true_random=False),
)
def test_order_of_entries_does_not_matter(entries: list[tuple[str, int]], random: object) -> None:
    """A header means the same in any order."""
    header = [f"{name};q={quality / 1000}" for name, quality in entries]
    shuffled = list(header)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert negotiate(",".join(header)) is negotiate(",".join(shuffled))


def test_hostile_quotes_take_linear_time() -> None:
    """A header of the largest size with an open quote at every other byte is read at once."""
    hostile = '"\\' * 8000
    assert negotiate.__wrapped__(hostile) is TEXT_0_0_4


def test_a_quality_over_one_is_one():
    """`q=1.5` is no more than `q=1`: then our own order decides, as it does among equals."""
    equal = negotiate("text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0")
    assert negotiate("text/plain;version=0.0.4;q=1.5, application/openmetrics-text;version=1.0.0;q=1") is equal
    assert negotiate("text/plain;version=0.0.4;q=1, application/openmetrics-text;version=1.0.0;q=1.5") is equal


def test_a_subtype_wildcard_is_more_specific_than_a_full_one():
    """What `text/*` says of text goes before what `*/*` says."""
    assert negotiate("*/*;q=0.9, text/*;q=0.1").name == "openmetrics"
    assert negotiate("*/*;q=0.1, text/*;q=0.9").name.startswith("text")
