"""Whether anybody uses a model right now: open files, the journal, the page of this machine."""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from genotel.errors import JournalError
from genotel.journal.reader import JournalReader
from genotel.semconv import attributes as a
from genotel.semconv.generation_metrics import ACTIVE
from genotel.semconv.model_metrics import RESIDENT
from genotel.semconv.spec import label_name

_PAGE_SECONDS = 2.0
_LARGEST_PAGE_BYTES = 64 * 1024 * 1024
# Calls that run are among the newest of a model.
_NEWEST_CALLS = 1000


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """Say which processes have files open or mapped, by pid and name, and how many could not be looked into."""

    holders: tuple[tuple[int, str], ...]
    hidden_processes: int


def open_files(identities: frozenset[tuple[int, int]], proc: str = "/proc") -> OpenFiles:
    """Return who has one of the files, told by device and inode, open or mapped into memory.

    Args:
        identities: (device, inode) of the files.
        proc: the folder of the processes. Where there is none, nobody can be looked into.
    """
    holders: list[tuple[int, str]] = []
    hidden = 0
    inodes = {inode for _, inode in identities}
    own = str(os.getpid())
    for pid in _processes(proc):
        if pid == own:
            continue
        try:
            if _has_open(f"{proc}/{pid}/fd", identities) or _has_mapped(f"{proc}/{pid}", inodes, identities):
                holders.append((int(pid), _name(f"{proc}/{pid}/comm")))
        except PermissionError:
            hidden += 1
        except OSError:
            continue  # it ended meanwhile
    return OpenFiles(tuple(holders), hidden)


def used_in_journal(path: Path, model: str, since: float | None) -> str | None:
    """Return what a journal says against removing a model, for people; None for nothing.

    Args:
        path: the journal; one that is missing or broken says nothing.
        model: its name in use.
        since: Unix time of the last use that is known already; None where there is none.
    """
    try:
        with JournalReader(path) as reader:
            last = max((use.last_used or 0.0 for use in reader.models() if use.model == model), default=0.0)
            if any(call.outcome is None for call in reader.calls(model=model, limit=_NEWEST_CALLS)):
                return f"a call of it is running, says {path.name}"
    except JournalError:
        return None
    if last > (since or 0.0) + 1.0:
        return f"it was used after the advice was made, says {path.name}"
    return None


def loaded_on_page(host: str, port: int, model: str, path: str = "/metrics") -> str | None:
    """Return what the metrics page of this machine says against removing a model; None for nothing.

    A page that is not there, is slow or is none says nothing.
    """
    # Not by urllib, which would ask a proxy.
    connection = http.client.HTTPConnection(host, port, timeout=_PAGE_SECONDS)
    try:
        connection.request("GET", path, headers={"Accept": "text/plain;version=0.0.4"})
        text = connection.getresponse().read(_LARGEST_PAGE_BYTES).decode("utf-8", "replace")
        for name, value in _values(text, model):
            if value > 0:
                said = "it is loaded" if name == RESIDENT.prometheus_name else "a call of it is running"
                return f"{said}, says the page at {host}:{port}"
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return None


def _values(text: str, model: str) -> Iterator[tuple[str, float]]:
    wanted = (RESIDENT.prometheus_name, ACTIVE.prometheus_name)
    # Thousands of lines of others need no parsing.
    lines = "".join(f"{line}\n" for line in text.splitlines() if line.startswith(wanted))
    for family in text_string_to_metric_families(lines):
        for sample in family.samples:
            if sample.labels.get(label_name(a.MODEL)) == model:
                yield sample.name, float(sample.value)


def _processes(proc: str) -> list[str]:
    try:
        return [name for name in os.listdir(proc) if name.isdigit()]
    except OSError:
        return []


def _has_open(folder: str, identities: frozenset[tuple[int, int]]) -> bool:
    for name in os.listdir(folder):
        try:
            found = os.stat(f"{folder}/{name}")
        except OSError:
            continue  # closed meanwhile, or no file
        if (found.st_dev, found.st_ino) in identities:
            return True
    return False


def _has_mapped(folder: str, inodes: set[int], identities: frozenset[tuple[int, int]]) -> bool:
    """Return whether a file is mapped: weights are, long after their descriptor is closed."""
    with open(f"{folder}/maps", "rb") as file:
        for line in file:
            fields = line.split(None, 5)
            if len(fields) < 6 or int(fields[4]) not in inodes:
                continue
            major, _, minor = fields[3].partition(b":")
            # Some filesystems (btrfs, overlay) show another device here than stat does.
            device = os.makedev(int(major, 16), int(minor, 16))
            if (device, int(fields[4])) in identities or _is_one(fields[5].rstrip(b"\n"), identities):
                return True
    return False


def _is_one(path: bytes, identities: frozenset[tuple[int, int]]) -> bool:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return False
    return (found.st_dev, found.st_ino) in identities


def _name(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
