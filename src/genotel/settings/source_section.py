"""The section of ``genotel.toml`` on how a server counts that genotel does not know."""

from __future__ import annotations

from dataclasses import dataclass

from genotel.settings.parsing import parse_text
from genotel.settings.setting import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """Say how calls are counted in Prometheus by a server that is not in docs/foreign-servers.md."""

    requests: str | None = setting(
        None,
        parse_text,
        help="The counter of calls with its matchers, or a query with $window in it; nothing is read without it.",
        example='my_requests_total{env="prod"}',
    )
    failures: str | None = setting(
        None,
        parse_text,
        help="Those of the calls that failed, in the same way.",
        example='my_requests_total{env="prod",code=~"5.."}',
    )
    duration: str | None = setting(
        None, parse_text, help="The histogram of the calls' seconds, with its matchers.", example="my_request_seconds"
    )
    loads: str | None = setting(
        None,
        parse_text,
        help="The histogram of the seconds that loading a model took, with its matchers.",
        example="my_model_load_seconds",
    )
    model_label: str = setting("model", parse_text, help="The label that has the model in all of them.")
