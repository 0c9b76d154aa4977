"""Bodies become arrays as they come in, equal to what a JSON parser reads, or are refused."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genotel.prometheus_api import series as module
from genotel.prometheus_api.series import AnswerFormatError, Body, Series, read_series


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    """Yield a body in pieces of a size."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


def read(body: bytes, size: int = 1 << 20) -> tuple[list[Series], Body]:
    """Return the series of a body and what it says beside them."""
    rest = Body()
    return list(read_series(pieces(body, size), rest)), rest


def reference(body: bytes) -> list[tuple[dict[str, str], list[float], list[float]]]:
    """Return the series as a JSON parser and Python's float() read them."""
    found = []
    for element in json.loads(body)["data"]["result"]:
        pairs = element["values"] if "values" in element else [element["value"]] if "value" in element else []
        found.append((element["metric"], [float(time) for time, _ in pairs], [float(value) for _, value in pairs]))
    return found


def matrix(*elements: dict[str, object], **more: object) -> dict[str, object]:
    """Return an answer with series over time."""
    return {"status": "success", "data": {"resultType": "matrix", "result": list(elements)}, **more}


def is_same(series: list[Series], expected: list[tuple[dict[str, str], list[float], list[float]]]) -> bool:
    """Say whether labels, times and values are equal; NaN is NaN."""
    return len(series) == len(expected) and all(
        one.labels == labels and np.array_equal(one.times, times) and np.array_equal(one.values, values, equal_nan=True)
        for one, (labels, times, values) in zip(series, expected, strict=True)
    )


SPECIAL = ["NaN", "+Inf", "-Inf", "0", "1e+300", "-0", "1.7976931348623157e+308", "5e-324"]
INFINITIES = {math.inf: "+Inf", -math.inf: "-Inf"}
NUMBERS = st.floats().map(lambda value: INFINITIES.get(value, repr(value)).replace("nan", "NaN"))
TIMES = st.floats(0, 4e9).map(lambda time: round(time, 3)) | st.integers(0, 4_000_000_000)
PIECES = ['"result":[', ',"values":[[', '"]]}', "]}", "\\", '"', '{"metric":', "é", "\u2028"]
TEXTS = st.text(max_size=12) | st.sampled_from(PIECES)
LABELS = st.dictionaries(TEXTS, TEXTS, max_size=4)
VALUES = st.lists(st.tuples(TIMES, NUMBERS | st.sampled_from(SPECIAL)).map(list), max_size=6)
HISTOGRAM = [1, {"count": "2", "sum": "3", "buckets": [[0, "1", "2", "2"]]}]
ELEMENTS = st.builds(
    lambda labels, values, shape: {
        "values": {"metric": labels, "values": values},
        "value": {"metric": labels, "value": values[0] if values else [1, "2"]},
        "histograms": {"metric": labels, "histograms": [HISTOGRAM]},
        "both": {"metric": labels, "values": values, "histograms": [HISTOGRAM]},
        "turned": {"values": values, "metric": labels},
    }[shape],
    LABELS,
    VALUES,
    st.sampled_from(["values", "values", "values", "value", "histograms", "both", "turned"]),
)
USUAL = {"separators": (",", ":")}
SPELLINGS = st.sampled_from([USUAL, {}, {"indent": 1}, USUAL | {"ensure_ascii": False}, {"separators": (" ,", ": ")}])


@given(
    elements=st.lists(ELEMENTS, max_size=6),
    spelling=SPELLINGS,
    size=st.sampled_from([1, 2, 7, 64, 1 << 20]),
    warnings=st.lists(TEXTS, max_size=2),
    is_turned=st.booleans(),
)
@example(elements=[], spelling={}, size=1, warnings=['"result":['], is_turned=True)
@example(
    elements=[{"metric": {"a": "b"}, "values": [[1, "2"], [3, "NaN"]]}] * 2,
    spelling={"separators": (",", ":")},
    size=5,
    warnings=[],
    is_turned=False,
)
def test_every_answer_is_read_as_a_json_parser_reads_it(
    elements: list[dict[str, object]], spelling: dict[str, object], size: int, warnings: list[str], is_turned: bool
) -> None:
    """Whatever the spelling, the labels, the numbers and where the stream is cut."""
    answer = matrix(*elements, warnings=warnings)
    if is_turned:
        answer = dict(reversed(answer.items()))
    body = json.dumps(answer, **spelling).encode("utf-8", "surrogatepass")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return
    found, rest = read(body, size)
    assert is_same(found, reference(body))
    assert rest.status == "success"
    assert rest.result_type == "matrix"
    assert rest.warnings == tuple(warnings)
    assert not rest.is_partial


def test_the_usual_spelling_takes_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus' own spelling, NaN and infinities too, never goes through the parser of objects."""
    monkeypatch.setattr(module, "_slow", None)
    monkeypatch.setattr(module, "_series", None)
    one = {"metric": {"a": "b"}, "values": [[1700000000.123, "1"], [1700003600, "NaN"], [1700007200, "+Inf"]]}
    body = json.dumps(matrix(*[one] * 50), separators=(",", ":")).encode()
    found, _ = read(body, 100)
    assert len(found) == 50
    np.testing.assert_array_equal(found[49].values, [1.0, np.nan, np.inf])
    assert found[0].times[0] == 1700000000.123


def test_what_a_server_says_beside_its_series_is_kept() -> None:
    """Warnings, an error, parts that are missing."""
    _, rest = read(json.dumps(matrix(warnings=["store gateway unavailable"], isPartial=True)).encode())
    assert rest.warnings == ("store gateway unavailable",)
    assert rest.is_partial
    refusal = {"status": "error", "errorType": "bad_data", "error": "parse error: unexpected end"}
    found, rest = read(json.dumps(refusal).encode())
    assert found == []
    assert (rest.status, rest.error_type, rest.error) == ("error", "bad_data", "parse error: unexpected end")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "it is not JSON"),
        (b"<html><body>Welcome</body></html>", "it is not JSON"),
        (b"[]", "not an answer of Prometheus"),
        (b'{"status":5}', "not an answer of Prometheus"),
        (b'{"status":"success","data":{"resultType":"matrix","result":[', "it is not JSON, or only half of it"),
        (b'{"status":"success","data":{"result":[{"metric":{},"values":[[1,"2"]]}', "or only half of it"),
        (b'{"status":"success","data":{"result":[{"metric":{},"values":[[1,"2"]]},{"metric":{"a', "or only half of it"),
        (b'{"status":"success","data":{"result":[{"metric":{},"values":[[1,"x"]]}]}}', "not made as Prometheus"),
        (b'{"status":"success","data":{"result":[{"metric":{},"values":[[1,"2"],[3]]}]}}', "not made as Prometheus"),
        (b'{"status":"success","data":{"result":[{"metric":{},"values":[[1,"2 3"],[4,""]]}]}}', "not made as"),
        (b'{"status":"success","data":{"result":[{"values":[[1,"2"]]}]}}', "not made as Prometheus"),
        (b'{"status":"success","data":{"result":[17, "2"]}}', "not made as Prometheus"),
        (b'{"status":"success","data":{"result":[{"metric":{"a":1},"values":[[1,"2"]]}]}}', "labels that are no texts"),
        (b'{"status":"success","data":{"result":[{"metric":["a"],"values":[[1,"2"]]}]}}', "labels that are no texts"),
        (b'{"status":"success","data":{"result":[{"metric":{"a":"\xff"},"values":[[1,"2"]]}]}}', "it is not JSON"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_is_no_answer_is_refused(body: bytes, reason: str, size: int) -> None:
    """With the reason, for the one message at the border."""
    with pytest.raises(AnswerFormatError, match=reason):
        read(body, size)


@given(content=st.binary(max_size=80), at=st.integers(0, 200))
def test_a_damaged_answer_is_read_or_refused(content: bytes, at: int) -> None:
    """No bytes at all lead to another exception."""
    body = json.dumps(matrix({"metric": {"a": "b"}, "values": [[1, "2"], [2, "3"]]}), separators=(",", ":")).encode()
    try:
        found, _ = read(body[:at] + content + body[at:], 16)
    except AnswerFormatError:
        found = []
    assert all(len(one.times) == len(one.values) for one in found)
