"""What can be set of the recommender that watches: how often it looks, where its page is, what it remembers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genotel.settings.parsing import integer_parser, number_parser, parse_folder, parse_text
from genotel.settings.setting import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """Say how often ``genotel recommend --watch`` looks, where its page is, and what it remembers."""

    watch_interval_seconds: float = setting(
        300.0, number_parser(1, 86400), help="Time between two runs of `genotel recommend --watch`, in seconds."
    )
    watch_host: str = setting("127.0.0.1", parse_text, help="Address on which the page of advice is served.")
    watch_port: int = setting(9465, integer_parser(0, 65535), help="Port of the page of advice; 0 takes any free one.")
    watch_memory: Path | None = setting(
        None,
        parse_folder,
        help="File in which past advice is remembered until it can be judged; beside the default journal if unset.",
        example="/var/lib/genotel/advice.json",
    )
    watch_series: int = setting(
        200,
        integer_parser(1, 10000),
        help="Models that have series of their own on the page of advice, for each kind of it.",
    )
    watch_keep_seconds: float = setting(
        86400.0,
        number_parser(60, 2592000),
        help="Time for which advice stays on its page while the history cannot be read, in seconds.",
    )
