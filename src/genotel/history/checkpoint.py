"""Keep what a store forgets: a file with all that was ever known of use, to which each run adds.

A default Prometheus keeps 15 days and so can never tell of 30. The file holds the hours themselves and
not sums that were decayed: what is worked out from it equals what is worked out from a store that forgets
nothing. It is versioned, replaced as a whole, and read without trust in its content.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Hashable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from genotel.errors import InputError
from genotel.history.hourly import SECONDS_PER_HOUR, Booleans, HourTable, Integers
from genotel.history.source import HistorySource
from genotel.history.usage import UsageHistory, count_hours, empty_history

VERSION = 1
_COLUMNS = tuple(column.name for column in fields(HourTable))
_PER_MODEL = ("first_seen", "last_used", "size_bytes")


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """Read a source, add it to a checkpoint file, and tell all that the file knows.

    Attributes:
        source: what is read.
        path: the file; made on first use.
    """

    source: HistorySource
    path: Path

    @property
    def place(self) -> Hashable:
        """Return what tells this source from others; None where the source within has nothing."""
        inner = getattr(self.source, "place", None)
        return None if inner is None else ("checkpoint", self.path.absolute(), inner)

    def mark(self) -> Hashable:
        """Return what changes when something is added to the source."""
        find_mark = getattr(self.source, "mark", None)
        return None if find_mark is None else find_mark()

    def load_usage(self) -> UsageHistory:
        """Return the history of the source and of the file together.

        Raises:
            InputError: the file cannot be read or written, or is no checkpoint of this version.
            ServerError: the server could not be reached or refused; the file stays as it was.
        """
        newer = self.source.load_usage()
        older = read_checkpoint(self.path) if self.path.exists() else empty_history(newer.source)
        whole = merge(older, newer)
        write_checkpoint(whole, self.path)
        return replace(whole, source=f"{newer.source} and checkpoint {self.path.name}")


def merge(older: UsageHistory, newer: UsageHistory) -> UsageHistory:
    """Return the history that two together tell; their order in time does not matter.

    An hour that both know is told by the newer one, unless only the older one observed it. Hours between
    them, and those in which one ended or the other began, count as not observed where no other saw them whole.

    Example:
        >>> merge(empty_history("a"), empty_history("b")).has_data
        False
    """
    if not len(older.observed) or not len(newer.observed):
        return newer if len(newer.observed) else replace(older, source=newer.source)
    start, end = min(older.start, newer.start), max(older.end, newer.end)
    first, hours = int(start // SECONDS_PER_HOUR), count_hours(start, end)
    models = tuple(sorted({*older.models, *newer.models}))
    told_by_newer, observed = _by_whom(older, newer, first, hours)
    position = {name: index for index, name in enumerate(models)}
    places = {id(part): np.array([position[name] for name in part.models], dtype=np.int64) for part in (older, newer)}
    rows: dict[str, list[Integers]] = {name: [] for name in _COLUMNS}
    for part, is_told in ((older, ~told_by_newer), (newer, told_by_newer)):
        chosen = is_told[part.hourly.hour - first]
        for name in _COLUMNS:
            values = getattr(part.hourly, name)[chosen]
            rows[name].append(places[id(part)][values] if name == "model" else values)
    joined = {name: np.concatenate(parts) for name, parts in rows.items()}
    unknown = np.full(len(models), np.nan)
    first_seen, last_used, size_bytes = unknown.copy(), unknown.copy(), unknown.copy()
    for part in (older, newer):
        place = places[id(part)]
        first_seen[place] = np.fmin(first_seen[place], part.first_seen)
        last_used[place] = np.fmax(last_used[place], part.last_used)
        size_bytes[place] = np.where(np.isfinite(part.size_bytes), part.size_bytes, size_bytes[place])
    return UsageHistory(
        source=newer.source,
        start=start,
        end=end,
        models=models,
        observed=observed,
        hourly=HourTable.gather(joined.pop("model"), joined.pop("hour"), **joined),
        first_seen=first_seen,
        last_used=last_used,
        size_bytes=size_bytes,
        parameters=newer.parameters,
        notes=newer.notes,
        measured_by=_measured_by(models, older, newer),
    )


def _measured_by(models: tuple[str, ...], older: UsageHistory, newer: UsageHistory) -> tuple[str, ...]:
    """Return who counted the calls of each model, the newer one's word first; empty where neither says."""
    counted: dict[str, str] = {}
    for part in (older, newer):
        counted |= dict(zip(part.models, part.measured_by, strict=False))
    return tuple(counted.get(name, "") for name in models) if counted else ()


def _by_whom(older: UsageHistory, newer: UsageHistory, first: int, hours: int) -> tuple[Booleans, Booleans]:
    """Return whether the newer one tells an hour, and which hours were observed, shape (T,) both."""
    seen, covered = [], []
    for part in (older, newer):
        offset = part.first_hour - first
        whole = np.zeros(hours, dtype=bool)
        whole[offset : offset + len(part.observed)] = part.observed
        there = np.zeros(hours, dtype=bool)
        there[offset : offset + len(part.observed)] = True
        # The hours in which it began and ended are known in part, unless nothing is known around them.
        if offset > 0:
            whole[offset] = False
        if offset + len(part.observed) < hours:
            whole[offset + len(part.observed) - 1] = False
        seen.append(whole)
        covered.append(there)
    told_by_newer: Booleans = covered[1] & (seen[1] | ~seen[0])
    return told_by_newer, seen[0] | seen[1]


def write_checkpoint(history: UsageHistory, path: Path) -> None:
    """Replace a checkpoint file as a whole.

    Raises:
        InputError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    content = {
        "version": np.array([VERSION]),
        "window": np.array([history.start, history.end]),
        "models": _as_bytes(history.models),
        "measured_by": _as_bytes(history.measured_by),
        "observed": np.packbits(history.observed),
        **{name: getattr(history, name) for name in _PER_MODEL},
        **{f"hourly_{name}": getattr(history.hourly, name) for name in _COLUMNS},
    }
    try:
        with beside.open("wb") as file:
            np.savez_compressed(file, **content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError(f"the checkpoint cannot be written ({error.strerror})", file=str(path)) from error


def read_checkpoint(path: Path) -> UsageHistory:
    """Return the history that a checkpoint file holds.

    Raises:
        InputError: it cannot be read, is none, is damaged, or was written by a newer genotel.
    """
    try:
        # Numpy would leave a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            version = int(content["version"][0])
            if version > VERSION:
                raise InputError(f"a newer genotel wrote this checkpoint (version {version})", file=str(path))
            start, end = (float(moment) for moment in content["window"])
            models = _as_texts(content["models"])
            # Those who wrote before there were several did not say.
            measured_by = _as_texts(content["measured_by"]) if "measured_by" in content else ()
            hours = count_hours(start, end) if len(content["observed"]) else 0
            return UsageHistory(
                source=f"checkpoint {path.name}",
                start=start,
                end=end,
                models=models,
                measured_by=measured_by,
                observed=np.unpackbits(content["observed"])[:hours].astype(bool),
                hourly=HourTable(**{name: content[f"hourly_{name}"] for name in _COLUMNS}),
                **{name: content[name] for name in _PER_MODEL},
            )
    except OSError as error:
        raise InputError(f"the checkpoint cannot be read ({error.strerror})", file=str(path)) from error
    except (ValueError, KeyError, IndexError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError("is no checkpoint, or a damaged one; remove it to begin anew", file=str(path)) from error


def _as_bytes(texts: tuple[str, ...]) -> npt.NDArray[np.uint8]:
    # Names of models have no zero in them; one zero more tells no text from one empty text.
    return np.frombuffer("".join(f"{text}\0" for text in texts).encode("utf-8"), dtype=np.uint8)


def _as_texts(content: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    text = content.tobytes().decode("utf-8")
    return tuple(text.removesuffix("\0").split("\0")) if text else ()
