"""Ask a server questions in PromQL and judge its answers: the border at which their errors become ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from genotel.errors import ServerError
from genotel.prometheus_api.series import AnswerFormatError, Body, Series, read_series
from genotel.prometheus_api.transport import Answer, Transport

_SHOWN_CHARACTERS = 200
# What servers say when a question is too large for them; each has its own words.
_TOO_MUCH = ("maximum resolution", "too many", "exceed", "limit", "timed out", "timeout", "larger than", "max-samples")
_REASONS = {
    401: "it wants to know who asks; give a user, a bearer token or a tenant",
    403: "it refuses whoever asks so; check user, token and tenant",
    404: "there is no Prometheus API at this address; check its path prefix",
    405: "it does not take questions by POST; ask Prometheus itself instead of what stands before it",
}


class TooMuchError(ServerError):
    """Report that a question was too large for the server: a shorter one may be answered."""


@dataclass(frozen=True, slots=True)
class Notes:
    """Hold what a server said beside its answer: its warnings, and whether parts of it are missing."""

    warnings: tuple[str, ...] = ()
    is_partial: bool = False


class PrometheusClient:
    """Ask one server.

    Args:
        transport: sends the questions.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def address(self) -> str:
        """Return the address of the server for messages."""
        return self._transport.address

    @contextmanager
    def instant(self, query: str, time: float) -> Iterator[tuple[Iterator[Series], Body]]:
        """Ask for one moment, Unix time; each series has one value.

        Raises:
            ServerError: the server could not be reached, or refused the question.
            TooMuchError: it was too large for it.
        """
        with self._asked("/api/v1/query", {"query": query, "time": f"{time:.3f}"}) as answer:
            yield answer

    @contextmanager
    def span(self, query: str, start: float, end: float, step: float) -> Iterator[tuple[Iterator[Series], Body]]:
        """Ask for every ``step`` seconds from ``start`` to ``end``, Unix times, both included.

        Raises:
            ServerError: the server could not be reached, or refused the question.
            TooMuchError: it was too large for it.
        """
        fields = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        with self._asked("/api/v1/query_range", fields) as answer:
            yield answer

    @contextmanager
    def _asked(self, path: str, fields: Mapping[str, str]) -> Iterator[tuple[Iterator[Series], Body]]:
        with self._transport.ask(path, fields) as answer:
            body = Body()
            yield self._judged(answer, body, fields["query"]), body

    def _judged(self, answer: Answer, body: Body, query: str) -> Iterator[Series]:
        """Yield the series of an answer; raise at its end what it says went wrong."""
        try:
            yield from read_series(answer.chunks, body)
        except AnswerFormatError as error:
            reason = _REASONS.get(answer.status) or _format_reason(answer, error)
            kind = TooMuchError if answer.status in {413, 429, 502, 503, 504} else ServerError
            raise kind(self._message(f"status {answer.status}: {reason}", query)) from error
        if answer.status == 200 and body.status == "success":
            return
        said = body.error or _REASONS.get(answer.status, "it gave no reason")
        is_too_much = answer.status in {413, 422, 429, 503, 504} or (
            answer.status == 400 and any(words in said.lower() for words in _TOO_MUCH)
        )
        kind = TooMuchError if is_too_much else ServerError
        reason = f"{said}; {_REASONS[answer.status]}" if body.error and answer.status in _REASONS else said
        raise kind(self._message(f"status {answer.status}: {reason}", query))

    def _message(self, reason: str, query: str) -> str:
        # One line, whatever the server said and however long the query is.
        return f"{self.address}: {_cut(reason)} (asked: {_cut(query)})"


def _format_reason(answer: Answer, error: AnswerFormatError) -> str:
    if 300 <= answer.status < 400:
        return "it sends us to another address; give that one"
    if "html" in answer.content_type.lower():
        return "it answers with a web page, not as Prometheus' API; check the address and its path prefix"
    return f"the answer cannot be read: {error}"


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
