"""``genotel recommend --watch``: its options, and its life from the first look to SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from genotel.errors import SettingsError
from genotel.history.source import HistorySource
from genotel.recommenders.publish_service import is_looking, watch
from genotel.recommenders.publish_webhook import Webhook
from genotel.settings import load_settings

Watch = Annotated[
    bool, typer.Option("--watch", help="Go on looking, and serve advice, forecasts and their accuracy as metrics.")
]
Interval = Annotated[float | None, typer.Option(help="With --watch: seconds between two looks.", show_default="300")]
Host = Annotated[str | None, typer.Option(help="With --watch: address to serve on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="With --watch: port; 0 takes any free one.", show_default="9465")]
MemoryFile = Annotated[
    Path | None,
    typer.Option(help="With --watch: file in which advice is remembered until it is known what became of it."),
]
WebhookUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="With --watch: where to post advice that is new or has changed.")
]
WebhookSecret = Annotated[
    Path | None, typer.Option(help="With --webhook: file with the secret that signs each message (HMAC-SHA256).")
]


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Hold what the command line says about the watch."""

    interval: float | None = None
    host: str | None = None
    port: int | None = None
    memory: Path | None = None
    webhook: str | None = None
    webhook_secret_file: Path | None = None

    def refuse_without_watch(self) -> None:
        """Refuse options that would be ignored.

        Raises:
            SettingsError: one of them is given.
        """
        for name in self.__slots__:
            if getattr(self, name) is not None:
                raise SettingsError(f"--{name.replace('_', '-')} needs --watch")

    def refuse_with_watch(self, others: Mapping[str, object]) -> None:
        """Refuse options of a report that is written once.

        Args:
            others: those options by name; what is None or False is not given.

        Raises:
            SettingsError: one of them is given.
        """
        for name, value in others.items():
            if value is not None and value is not False:
                raise SettingsError(f"--watch writes no report; leave out {name}")

    def run(self, source: HistorySource, kinds: tuple[str, ...]) -> None:
        """Watch until SIGTERM or Ctrl-C.

        Raises:
            SettingsError: an option is wrong, or the address cannot be served on.
            InputError: the secret or the memory cannot be used.
        """
        if (self.webhook is None) is not (self.webhook_secret_file is None):
            raise SettingsError("give --webhook and --webhook-secret-file together")
        given = {"interval_seconds": self.interval, "host": self.host, "port": self.port, "memory": self.memory}
        settings = load_settings({f"watch_{name}": value for name, value in given.items() if value is not None})
        webhook = None
        if self.webhook is not None and self.webhook_secret_file is not None:
            webhook = Webhook(self.webhook, self.webhook_secret_file, told={})
        signal.signal(signal.SIGTERM, _interrupt)
        # Set here too, since a shell starts background jobs with SIGINT ignored.
        signal.signal(signal.SIGINT, _interrupt)
        with suppress(KeyboardInterrupt):
            watch(source, kinds, settings, webhook, _say)
        if is_looking():
            # A question that a server does not answer would hold the end up until its time limit; all else is done.
            sys.stderr.flush()
            os._exit(0)


def _say(text: str) -> None:
    print(f"genotel: {text}", file=sys.stderr, flush=True)


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
