"""Turn the body of an answer into arrays while it comes in, without an object for each sample.

A body is a head, one JSON object for each series, and a tail. Series are cut out of the stream one by
one; in their usual spelling their values become numbers in one call, in any other spelling they go
through the JSON parser. Head and tail together are a whole answer without series, and parsed as such:
nothing of an answer is taken on trust.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# In a JSON text a quote inside of a string has a backslash before it, so that this is never found there.
_RESULT = re.compile(rb'"result"\s*:\s*\[')
_SPACE = re.compile(rb"[\s,]*")
_METRIC, _VALUES, _END = b'{"metric":', b',"values":[[', b'"]]}'
_TO_BLANKS = bytes.maketrans(b'[],"', b"    ")
_decoder = json.JSONDecoder()


class AnswerFormatError(Exception):
    """Say that a body is not an answer of Prometheus' API; the border names the server."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Hold one series of an answer.

    Attributes:
        labels: with the metric's name as ``__name__``, where it has one.
        times: shape (K,), Unix seconds, rising.
        values: shape (K,); NaN and infinities as the server said.
    """

    labels: dict[str, str]
    times: Floats
    values: Floats


@dataclass(slots=True)
class Body:
    """Collect what an answer says beside its series; whole once the series were read."""

    status: str = ""
    result_type: str = ""
    error_type: str = ""
    error: str = ""
    warnings: tuple[str, ...] = ()
    is_partial: bool = False


def read_series(chunks: Iterable[bytes], body: Body) -> Iterator[Series]:
    """Yield the series of an answer as its pieces come in.

    Args:
        chunks: the pieces of the body.
        body: is filled in; its status is known when the last series was read.

    Raises:
        AnswerFormatError: this is no JSON, or not of the shape that Prometheus documents.

    Example:
        >>> text = b'{"status":"success","data":{"resultType":"vector","result":[]}}'
        >>> list(read_series([text], body := Body())), body.status
        ([], 'success')
    """
    source = iter(chunks)
    buffer = bytearray()
    head = _head(source, buffer)
    if head is None:
        _fill(body, _parsed(bytes(buffer)))
        return
    position = 0
    while True:
        position = _skip(buffer, position)
        series, position = _element(buffer, position)
        if series is not None:
            yield series
            continue
        # What is left is the tail, or not a whole series yet.
        del buffer[:position]
        position = 0
        chunk = next(source, None)
        if chunk is None:
            break
        buffer += chunk
    whole = _parsed(head + bytes(buffer))
    _fill(body, whole)
    # Series that are spelled in another way, with blanks for example.
    for element in _result(whole):
        yield _series(element)


def _head(source: Iterator[bytes], buffer: bytearray) -> bytes | None:
    """Return what comes up to the first series, and leave the rest in the buffer; None if there is no list."""
    for chunk in source:
        buffer += chunk
        if found := _RESULT.search(buffer):
            head = bytes(buffer[: found.end()])
            del buffer[: found.end()]
            return head
    return None


def _skip(buffer: bytearray, position: int) -> int:
    found = _SPACE.match(buffer, position)
    assert found is not None, "nothing is matched too"
    return found.end()


def _element(buffer: bytearray, position: int) -> tuple[Series | None, int]:
    """Return the series at a position and where it ends; None where it is not there as a whole."""
    if not buffer.startswith(_METRIC, position) or buffer.find(b"]}", position) < 0:
        return None, position
    values = buffer.find(_VALUES, position)
    last = buffer.find(_END, values) if values >= 0 else -1
    if last >= 0:
        series = _fast(buffer[position + len(_METRIC) : values], buffer[values + len(_VALUES) : last])
        if series is not None:
            return series, last + len(_END)
    return _slow(buffer, position)


def _fast(labels: bytearray, values: bytearray) -> Series | None:
    """Return a series of the usual spelling; None for every other."""
    try:
        named = json.loads(labels)
        with warnings.catch_warnings():
            # Numpy warns where the text holds anything but numbers.
            warnings.simplefilter("error")
            numbers = np.fromstring(bytes(values.translate(_TO_BLANKS)), sep=" ")
    except (ValueError, DeprecationWarning):
        return None
    # Without blanks no number is two, so that as many numbers as commas ask for means that none is missing.
    if b" " in values or len(numbers) != 2 * (values.count(b"],[") + 1) or values.count(b",") != len(numbers) - 1:
        return None
    return Series(_labels(named), numbers[0::2], numbers[1::2])


def _slow(buffer: bytearray, position: int) -> tuple[Series | None, int]:
    """Return what :func:`_element` does, by the JSON parser: instant values, histograms, odd numbers."""
    try:
        # A character that is cut in two at the end of the buffer belongs to the next series.
        text = buffer[position:].decode("utf-8", "ignore")
        element, length = _decoder.raw_decode(text)
    except ValueError:
        return None, position
    return _series(element), position + len(text[:length].encode("utf-8"))


def _series(element: Any) -> Series:
    try:
        pairs = element["values"] if "values" in element else [element["value"]] if "value" in element else []
        numbers = np.array([(float(time), float(value)) for time, value in pairs]).reshape(-1, 2)
        return Series(_labels(element["metric"]), numbers[:, 0], numbers[:, 1])
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise AnswerFormatError("a series is not made as Prometheus makes it") from error


def _labels(named: Any) -> dict[str, str]:
    if not isinstance(named, dict) or not all(isinstance(value, str) for value in named.values()):
        raise AnswerFormatError("a series has labels that are no texts")
    return named


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        whole = json.loads(text)
    except ValueError as error:
        raise AnswerFormatError("it is not JSON, or only half of it") from error
    if not isinstance(whole, dict) or not isinstance(whole.get("status"), str):
        raise AnswerFormatError("it is JSON, but not an answer of Prometheus")
    return whole


def _result(whole: dict[str, Any]) -> list[Any]:
    data = whole.get("data")
    result = data.get("result") if isinstance(data, dict) else None
    return result if isinstance(result, list) else []


def _fill(body: Body, whole: dict[str, Any]) -> None:
    body.status = whole["status"]
    body.error_type, body.error = str(whole.get("errorType", "")), str(whole.get("error", ""))
    data = whole.get("data")
    body.result_type = str(data.get("resultType", "")) if isinstance(data, dict) else ""
    body.warnings = tuple(str(text) for text in whole.get("warnings") or ())
    # VictoriaMetrics' way to say that some of its storage did not answer.
    body.is_partial = whole.get("isPartial") is True
