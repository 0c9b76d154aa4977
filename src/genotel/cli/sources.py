"""The options that every command takes which reads a history: from where, and how a server is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from genotel.errors import SettingsError
from genotel.history.checkpoint import Checkpointed
from genotel.history.from_events import Events
from genotel.history.from_journal import Journal
from genotel.history.from_prometheus import DEFAULT_DAYS, Prometheus
from genotel.history.source import HistorySource
from genotel.promql.usage_sources import UsageSource, own_source
from genotel.settings import default_journal_path, load_settings

PrometheusUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Read the history from Prometheus, or from what answers as it does; with its path prefix, and "
        "user and password where it asks for them.",
    ),
]
JournalFile = Annotated[Path | None, typer.Option(help="Read the history from a journal file.")]
EventsFile = Annotated[
    Path | None,
    typer.Option(
        help="Read the history from a CSV file with the header "
        "timestamp,model[,status,duration_seconds,load_seconds,size_bytes]."
    ),
]
CheckpointFile = Annotated[
    Path | None,
    typer.Option(help="Keep all that was ever read in this file, so that a store that forgets can answer for longer."),
]
Tenant = Annotated[str | None, typer.Option(help="Tenant of a Mimir or Cortex, sent as X-Scope-OrgID.")]
BearerTokenFile = Annotated[Path | None, typer.Option(help="File with the token for the server.")]
Headers = Annotated[list[str] | None, typer.Option(metavar="NAME: VALUE", help="A header for the server (repeatable).")]
CaFile = Annotated[Path | None, typer.Option(help="Certificates of the authorities to trust for the server.")]
CertificateFile = Annotated[Path | None, typer.Option(help="Certificate that proves to the server who asks.")]
KeyFile = Annotated[Path | None, typer.Option(help="Key of --cert-file, where it is not in the same file.")]
Days = Annotated[
    float | None, typer.Option(min=1.0, max=3650.0, help="How many days to look back in the server; 90 by default.")
]
SourceNames = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="NAME",
        help="Read what this one counted in the server alone (repeatable): genotel, vllm, tgi, … or own, "
        "as [sources] of the configuration file says; by default all that are found.",
    ),
]


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Hold what the command line says about how a server is asked."""

    tenant: str | None = None
    bearer_token_file: Path | None = None
    headers: tuple[str, ...] = ()
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    days: float | None = None
    sources: tuple[str, ...] = ()

    @property
    def is_given(self) -> bool:
        """Return whether any of them is."""
        return self != ServerOptions()


def chosen_source(
    prometheus: str | None,
    journal: Path | None,
    events: Path | None,
    server: ServerOptions,
    checkpoint: Path | None = None,
) -> HistorySource:
    """Return the one source that was named, or else the journal of this machine, with its checkpoint.

    Raises:
        SettingsError: more than one was named, there is nothing to read, or a header is none.
    """
    source = _named_source(prometheus, journal, events, server)
    return source if checkpoint is None else Checkpointed(source, checkpoint)


def _named_source(
    prometheus: str | None, journal: Path | None, events: Path | None, server: ServerOptions
) -> HistorySource:
    named = [
        option
        for option, value in (("--prometheus", prometheus), ("--journal", journal), ("--events", events))
        if value is not None
    ]
    if len(named) > 1:
        raise SettingsError(f"give one of {' and '.join(named)}, not {'both' if len(named) == 2 else 'all'}")
    if server.is_given and prometheus is None:
        raise SettingsError("options of a server need --prometheus URL")
    if prometheus is not None:
        return Prometheus(
            prometheus,
            days=DEFAULT_DAYS if server.days is None else server.days,
            sources=server.sources,
            own=_own_source(),
            tenant=server.tenant,
            bearer_token_file=server.bearer_token_file,
            headers=dict(_header(text) for text in server.headers),
            ca_file=server.ca_file,
            certificate_file=server.certificate_file,
            key_file=server.key_file,
        )
    if events is not None:
        return Events(events)
    if journal is not None:
        return Journal(journal)
    path = load_settings().journal.journal or default_journal_path()
    if not path.exists():
        raise SettingsError(
            f"no history to read: there is no journal at {path}; name one with --journal FILE, an event list with "
            "--events FILE.csv, or a server with --prometheus URL"
        )
    return Journal(path)


def _own_source() -> UsageSource | None:
    own = load_settings().sources
    if own.requests is None:
        return None
    return own_source(own.requests, own.failures, own.duration, own.loads, own.model_label)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise SettingsError("a header is written as 'Name: value'")
    return name.strip(), value.strip()
