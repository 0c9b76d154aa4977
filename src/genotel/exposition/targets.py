"""Service discovery of Prometheus for the single processes behind a page: which there are, and where.

One address serves them all; the parameter ``process`` says which one is meant
(https://prometheus.io/docs/prometheus/latest/http_sd/).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl

from genotel.exposition.answer import Answer, plain
from genotel.exposition.scrape_request import RenderedPage
from genotel.semconv import attributes
from genotel.semconv.spec import label_name

TARGETS_PATH = "/sd"
PARAMETER = "process"
# What a client may call us by: a name or an address, and a port.
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(?::\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?")
_LABEL = label_name(attributes.PROCESS)


class ProcessPages(Protocol):
    """Know the single processes behind a page."""

    def names(self) -> Sequence[str]:
        """Return a name for each that lives, without asking the disk."""
        ...

    def page(self, name: str) -> RenderedPage | None:
        """Return the page of one of them; None where there is none of that name."""
        ...


def targets(names: Sequence[str], address: str) -> bytes:
    """Return the targets as Prometheus' service discovery reads them.

    Example:
        >>> targets(["7-00ff"], "box:9464").decode()
        '[{"targets": ["box:9464"], "labels": {"__param_process": "7-00ff", "genotel_process": "7-00ff"}}]\\n'
    """
    found = [{"targets": [address], "labels": {f"__param_{PARAMETER}": name, _LABEL: name}} for name in names]
    return (json.dumps(found) + "\n").encode()


def targets_answer(names: Sequence[str], host: str) -> Answer:
    """Return the answer to a client that called us by this name; 400 where that cannot be one."""
    if not _HOST.fullmatch(host):
        return plain(HTTPStatus.BAD_REQUEST)
    return Answer(HTTPStatus.OK, (("Content-Type", "application/json"),), targets(names, host))


def process_asked_for(query: str) -> str | None:
    """Return the process that a query string names; None for all together.

    Example:
        >>> process_asked_for("process=7-00ff&name[]=up"), process_asked_for("name[]=up")
        ('7-00ff', None)
    """
    if PARAMETER not in query:
        return None
    return next((value for key, value in parse_qsl(query) if key == PARAMETER), None)


def write_targets(path: Path, body: bytes) -> None:
    """Replace a file of targets as a whole, so that whoever watches it never reads a half.

    Raises:
        OSError: it cannot be written; what was there is still there.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with beside.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
