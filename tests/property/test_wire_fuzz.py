"""Whatever names, values and requests come, the page is one that both reference parsers read."""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from genotel.exposition.format import Format
from genotel.exposition.negotiation import FORMATS, negotiate
from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.page import Page
from genotel.exposition.protobuf import PROTOBUF
from genotel.exposition.scrape_request import read_scrape
from genotel.exposition.series import Block, Exemplar, Family, HistogramSeries, NumberSeries
from genotel.exposition.server import PageServer
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.telemetry.reader import PageReader
from tests.metric_families import samples_of

SampleKey = tuple[str, frozenset[tuple[str, str]]]

# What breaks formats: quotes, escapes, line ends, separators, braces, percent, lone surrogates, NUL.
_NASTY = st.sampled_from(
    [
        '"',
        "\\",
        "\\n",
        "\n",
        "\r",
        "\u2028",
        ",",
        "=",
        "{",
        "}",
        "#",
        "%",
        "%s",
        " ",
        "\t",
        "\x00",
        "\ud800",
        "é",
        "# EOF",
        "👍",
    ]
)
texts = st.one_of(st.text(max_size=12), st.lists(_NASTY, max_size=6).map("".join), st.text("aA0_.:-/ é", max_size=8))
attribute_values = st.one_of(
    texts,
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.lists(texts, max_size=3).map(tuple),
)
attribute_keys = st.one_of(
    texts, st.sampled_from(["a.b", "a_b", "5xx", "7xx", "le", "quantile", "__name__", "otel.scope.name", "job"])
).filter(bool)
numbers = st.one_of(st.integers(0, 2**70), st.floats(0, allow_nan=False), st.just(math.inf))


def samples(page: Page, format: Format) -> dict[SampleKey, float]:
    """Return every sample of the page by name and label set, checked to be unique."""
    if format is PROTOBUF:
        return samples_of(page.render(format))
    text = page.render(format).decode("utf-8")
    parse = parse_openmetrics if format is OPENMETRICS_1_0_0 else parse_text
    found: dict[SampleKey, float] = {}
    families: set[str] = set()
    for family in parse(text):
        assert family.name not in families, f"two blocks of {family.name}"
        families.add(family.name)
        for sample in family.samples:
            # A label without a value is no label to Prometheus.
            key = (sample.name, frozenset((name, value) for name, value in sample.labels.items() if value))
            assert key not in found, f"two series {key}"
            found[key] = sample.value
    return found


class FuzzSource:
    """Hand over what hypothesis made up."""

    def __init__(self, blocks: list[Block]) -> None:
        self._blocks = blocks

    def blocks(self) -> list[Block]:
        """Return the blocks."""
        return self._blocks


@given(
    labels=st.lists(st.dictionaries(st.sampled_from(["a", "b", "model"]), texts, max_size=3), max_size=4),
    help=texts,
    value=numbers,
)
@example(labels=[{"a": ""}, {}], help="", value=1)
@settings(deadline=None)
def test_label_values_and_help_come_back(labels: list[dict[str, str]], help: str, value: float) -> None:
    """What is put into labels comes out of both parsers, and no help text breaks a line."""
    blocks = []
    for kind in ("counter", "gauge"):
        rows = [(NumberSeries(each, created=1.5), value) for each in _distinct(labels)]
        blocks.append(Block(Family(f"fuzz_{kind}", kind, help), rows))  # type: ignore[arg-type]
    histograms = [(HistogramSeries(each, (0.5, 1.0), created=1.5), (1, 2, 3), 4.5) for each in _distinct(labels)]
    blocks.append(Block(Family("fuzz_seconds", "histogram", help, "seconds"), histograms))
    page = Page([FuzzSource(blocks)])
    expected = {frozenset((k, _readable(v)) for k, v in each.items() if v) for each in _distinct(labels)}
    for format in FORMATS:
        got = samples(page, format)
        for name in ("fuzz_counter_total", "fuzz_gauge", "fuzz_seconds_count"):
            assert {key[1] for key in got if key[0] == name} == expected


def _readable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _distinct(labels: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    seen = set()
    for each in labels:
        key = frozenset((k, _readable(v)) for k, v in each.items() if v)
        if key not in seen:
            seen.add(key)
            yield each


@given(
    names=st.lists(texts, min_size=1, max_size=3),
    kinds=st.lists(st.sampled_from(["counter", "gauge", "histogram"]), min_size=3, max_size=3),
)
@settings(deadline=None)
def test_families_of_any_kind_share_a_page(names: list[str], kinds: list[Any]) -> None:
    """Families of one name and several kinds, from several sources, never make two blocks."""
    from genotel.semconv.spec import family_name

    sources = []
    for kind in kinds:
        blocks = []
        for name in names:
            family = Family(family_name(name, "s", counter=kind == "counter"), kind, "")
            if kind == "histogram":
                series = HistogramSeries({"a": "b"}, (1.0,))
                series.exemplars[0] = Exemplar("0" * 31 + "1", "0" * 15 + "1", 0.5, 1.25)
                blocks.append(Block(family, [(series, (1, 0), 0.5)]))
            else:
                blocks.append(Block(family, [(NumberSeries({"a": "b"}), 1)]))
        sources.append(FuzzSource(blocks))
    assume(all(family_name(name, "s") for name in names))
    page = Page(sources)
    for format in (TEXT_0_0_4, OPENMETRICS_1_0_0, PROTOBUF):
        samples(page, format)


instrument_names = st.from_regex(r"[A-Za-z][A-Za-z0-9_.\-/]{0,20}", fullmatch=True)
units = st.one_of(
    st.sampled_from(["", "1", "s", "ms", "By", "By/s", "{call}", "%", "MHz", "Cel"]), st.text("aA/{}% 1", max_size=6)
)


@given(
    instruments=st.lists(
        st.tuples(instrument_names, st.sampled_from(["counter", "up_down", "gauge", "histogram"]), units, texts),
        min_size=1,
        max_size=4,
    ),
    scopes=st.lists(
        st.tuples(texts.filter(bool), st.dictionaries(attribute_keys, texts, max_size=2)),
        min_size=1,
        max_size=2,
    ),
    attributes=st.lists(st.dictionaries(attribute_keys, attribute_values, max_size=4), min_size=1, max_size=4),
)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_sdk_records_can_be_read(
    instruments: list[tuple[str, str, str, str]],
    scopes: list[tuple[str, dict[str, str]]],
    attributes: list[Mapping[str, Any]],
) -> None:
    """Any names, units, scopes, keys and values through the real SDK give a page with unique series."""
    reader = PageReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    for scope, scope_attributes in scopes:
        meter = provider.get_meter(scope, attributes=scope_attributes)
        for name, kind, unit, help in instruments:
            for each in attributes:
                if kind == "counter":
                    meter.create_counter(name, unit, help).add(1, each)
                elif kind == "up_down":
                    meter.create_up_down_counter(name, unit, help).add(-1, each)
                elif kind == "gauge":
                    meter.create_gauge(name, unit, help).set(0.5, each)
                else:
                    meter.create_histogram(name, unit, help).record(0.5, each)
    page = Page([reader])
    for format in (TEXT_0_0_4, OPENMETRICS_1_0_0):
        for _ in range(2):
            found = samples(page, format)
        assert len(found) > 1
    provider.shutdown()


@given(
    accept=st.text(max_size=60),
    query=st.one_of(
        st.text("name[]=&%41;+é", max_size=30),
        st.lists(texts, max_size=3).map(lambda n: "&".join("name[]=" + x for x in n)),
    ),
    timeout=st.text("0123456789.e-naif ", max_size=8),
)
def test_any_scrape_gets_a_page(accept: str, query: str, timeout: str) -> None:
    """Whatever headers and filters say, the page that comes can be read."""
    scrape = read_scrape({"accept": accept, "x-prometheus-scrape-timeout-seconds": timeout}, query)
    page = Page([FuzzSource([Block(Family("up", "gauge"), [(NumberSeries(), 1)])])])
    assert negotiate(accept) is scrape.format
    text = page.render(scrape.format, scrape.names).decode()
    parse = parse_openmetrics if scrape.format is OPENMETRICS_1_0_0 else parse_text
    assert [family.name for family in parse(text)] == (["up"] if scrape.names is None or "up" in scrape.names else [])


request_lines = st.one_of(
    st.binary(max_size=60),
    st.tuples(
        st.sampled_from([b"GET", b"HEAD", b"POST", b"get", b"", b"PRI", b"G T"]),
        st.one_of(
            st.sampled_from([b"/metrics", b"/", b"/-/ready", b"*", b"http://x/metrics", b"//", b"/metrics?name[]=%ff"]),
            st.text(max_size=20).map(str.encode),
        ),
        st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9.9", b"HTTP/", b""]),
    ).map(b" ".join),
)
header_lines = st.lists(
    st.one_of(
        st.sampled_from(
            [b"Host: x", b"Content-Length: 3", b"Content-Length: x", b"Connection: close", b"Expect: 100-continue"]
        ),
        st.tuples(st.sampled_from([b"Accept: ", b"Accept-Encoding: ", b"X: ", b""]), st.binary(max_size=30)).map(
            b"".join
        ),
    ),
    max_size=4,
)


def test_any_request_is_answered_without_a_500() -> None:
    """Whatever arrives, what comes back is HTTP, never a 500, and the next scrape is served."""
    with PageServer(Page([FuzzSource([Block(Family("up", "gauge"), [(NumberSeries(), 1)])])]), port=0) as server:

        def exchange(raw: bytes) -> bytes:
            with (
                socket.create_connection(("127.0.0.1", server.port), timeout=10) as client,
                client.makefile("rb") as file,
            ):
                client.sendall(raw)
                client.shutdown(socket.SHUT_WR)
                return file.read()

        @settings(deadline=None)
        @given(request_lines, header_lines)
        def ask(line: bytes, headers: list[bytes]) -> None:
            answer = exchange(b"\r\n".join([line, *headers, b"", b""]))
            assert answer.startswith(b"HTTP/1.1 ")
            assert not answer.startswith(b"HTTP/1.1 500")

        ask()
        assert exchange(b"GET /metrics HTTP/1.0\r\n\r\n").endswith(b"\nup 1\n")
