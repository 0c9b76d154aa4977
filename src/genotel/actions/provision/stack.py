"""What a stack is told: where its files stand, what it scrapes, where it writes and reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from genotel.errors import SettingsError
from genotel.settings import Settings

STORES = ("prometheus", "mimir", "thanos", "victoria-metrics")
_TARGET = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}")
_DURATION = re.compile(r"[1-9]\d*(ms|s|m|h)")
_TENANT = re.compile(r"[\w.!*'()-]+")
_IMAGE = re.compile(r"[a-z0-9][\w./:@-]*")

# A text, by its path below the folder.
Files = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Describe a stack; refused where a value could not stand in a configuration.

    Attributes:
        folder: absolute, where the files will stand on the machine that reads them.
        targets: ``host:port`` of pages of machines (``genotel serve``).
        programs: ``host:port`` of pages of single programs (``genotel.configure()``).
        remote_write: URL that samples are written to, where they do not stay here.
        query_url: where PromQL is asked, for Grafana.
        store: what stands behind ``remote_write``: one of ``STORES``.
        tenant: sent as ``X-Scope-OrgID``.
        token_file: holds the bearer token of ``remote_write``.
        grafana_url: put before the links of alerts.
        runbooks: address or folder of the runbooks; by default the folder's own.
        scrape_interval: in Prometheus' spelling.
        settings: thresholds and promises of the site, and how long Prometheus keeps samples.
        has_otlp: whether programs push by OTLP besides.
        image: container image that holds genotel.

    Raises:
        SettingsError: names each value that is none.

    Example:
        >>> Stack(folder=Path("/etc/genotel")).targets
        ('127.0.0.1:9464',)
    """

    folder: Path
    targets: tuple[str, ...] = ("127.0.0.1:9464",)
    programs: tuple[str, ...] = ()
    remote_write: str | None = None
    query_url: str = "http://localhost:9090"
    store: str = "prometheus"
    tenant: str | None = None
    token_file: Path | None = None
    grafana_url: str = "http://localhost:3000"
    runbooks: str | None = None
    scrape_interval: str = "15s"
    settings: Settings = field(default_factory=Settings)
    has_otlp: bool = False
    image: str = "genotel:latest"

    def __post_init__(self) -> None:
        mistakes = [
            f"--{name} {target!r} is no host:port, such as gpu-1:9464"
            for name, targets in (("target", self.targets), ("program", self.programs))
            for target in targets
            if not _TARGET.fullmatch(target) or int(target.rpartition(":")[2]) > 65535
        ]
        urls = (("remote-write", self.remote_write), ("query-url", self.query_url), ("grafana", self.grafana_url))
        mistakes += [
            f"--{name} {url!r} is no URL that begins with http:// or https://"
            for name, url in urls
            if url is not None and not _is_url(url)
        ]
        if self.store not in STORES:
            mistakes.append(f"--store {self.store!r} is none of {', '.join(STORES)}")
        if not _DURATION.fullmatch(self.scrape_interval):
            mistakes.append(f"--scrape-interval {self.scrape_interval!r} is no duration, such as 15s")
        if self.tenant is not None and not _TENANT.fullmatch(self.tenant):
            mistakes.append(f"--tenant {self.tenant!r} has characters that no tenant may have")
        if not _IMAGE.fullmatch(self.image):
            mistakes.append(f"--image {self.image!r} is no name of an image")
        if mistakes:
            raise SettingsError(*mistakes)

    @property
    def runbooks_at(self) -> str:
        """Return the address or folder that alerts name their runbooks by."""
        return self.runbooks if self.runbooks is not None else f"{self.folder}/runbooks"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Hold the files of a layout and what to do with them.

    Attributes:
        files: texts by path below the folder.
        steps: lines for a shell, and comments that say what each starts.
        secrets: paths below the folder that the user must fill.
        not_run: what could not be tried by us, as one sentence; empty where all could.
    """

    files: Files
    steps: tuple[str, ...]
    secrets: tuple[str, ...] = ()
    not_run: str = ""


def _is_url(text: str) -> bool:
    if any(character.isspace() or ord(character) < 32 for character in text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
