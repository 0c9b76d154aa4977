"""Models behind other people's servers, and cards behind other exporters, by what those emit already."""

from __future__ import annotations

from genotel.dashboards.dashboard import Dashboard, Look, Panel, Query, Unit
from genotel.promql import foreign_panels as q
from genotel.semconv import dashboard_names as names

_NONE = "no such server: docs/foreign-servers.md"
_NO_CARD = "no such exporter: docs/foreign-servers.md"


def _panel(
    title: str, unit: Unit, asked: tuple[q.Asked, ...], about: str, empty: str = _NONE, look: Look = Look.LINES
) -> Panel:
    queries = tuple(Query(one.text, f"{{{{{one.label}}}}} {one.title}") for one in asked)
    return Panel(title, look, unit, queries, about, empty)


DASHBOARD = Dashboard(
    names.SERVERS,
    "genotel / Other servers",
    "vLLM, SGLang, TGI, Triton, Ollama, llama.cpp, LiteLLM, ComfyUI and DCGM, by their own metrics.",
    (
        (
            "Calls",
            (
                _panel("Calls", Unit.CALLS_PER_SECOND, q.CALLS, "Calls that end each second.", look=Look.STACK),
                _panel(
                    "Failures", Unit.CALLS_PER_SECOND, q.FAILURES, "Calls that fail each second, where they are told."
                ),
                _panel("Mean duration", Unit.SECONDS, q.DURATION, "Mean time of a call."),
                _panel("Running", Unit.COUNT, q.RUNNING, "Calls that are worked on now."),
                _panel("Waiting", Unit.COUNT, q.WAITING, "Calls that wait for their turn."),
            ),
        ),
        (
            "Tokens",
            (
                _panel(
                    "First token p95", Unit.SECONDS, q.FIRST_TOKEN, "95 % of the calls had their first token by then."
                ),
                _panel("Time per token p95", Unit.SECONDS, q.BETWEEN_TOKENS, "95 % of the tokens took no longer."),
                _panel("Cache in use", Unit.SHARE, q.CACHE_USED, "Share of the cache for keys and values."),
                _panel("Tokens read", Unit.PER_SECOND, q.INPUT_TOKENS, "Tokens of requests each second."),
                _panel("Tokens written", Unit.PER_SECOND, q.OUTPUT_TOKENS, "Tokens of answers each second."),
            ),
        ),
        (
            "Cards",
            (
                _panel("Card busy", Unit.SHARE, q.BUSY, "Share of time with work.", _NO_CARD),
                _panel("Card memory in use", Unit.BYTES, q.MEMORY_USED, "Memory in use.", _NO_CARD),
                _panel("Card memory left", Unit.BYTES, q.MEMORY_FREE, "Memory that is left.", _NO_CARD),
                _panel("Card temperature", Unit.CELSIUS, q.TEMPERATURE, "Temperature of the GPU.", _NO_CARD),
                _panel("Card power", Unit.WATTS, q.POWER, "What the card draws.", _NO_CARD),
            ),
        ),
    ),
    jobs=q.JOBS,
    instances=q.INSTANCES,
)
