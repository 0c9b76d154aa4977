"""Put a history into Prometheus' data folder by promtool, or into VictoriaMetrics by its import."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import urllib3
from urllib3.exceptions import HTTPError

from genotel.errors import InputError, ServerError, SettingsError
from genotel.prometheus_api.access import ServerAccess

# By default promtool parses the whole text again for every two hours of it: 196 s instead of 4.
_BLOCK = "744h"
_PIECE_BYTES = 4 << 20
_SECONDS = 60.0


def write_text(pieces: Iterable[str], path: Path) -> int:
    """Write the text beside and put it in place whole; return its bytes.

    Raises:
        InputError: it cannot be written.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(new, "w", encoding="utf-8") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        os.replace(new, path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise InputError(f"cannot be written ({error.strerror})", file=str(path)) from error
    return size


def load_with_promtool(pieces: Iterable[str], promtool: str, folder: Path) -> None:
    """Make blocks of the text in a data folder of Prometheus, whether that runs or not.

    Raises:
        SettingsError: promtool cannot be started.
        ServerError: promtool refused the text.
        InputError: the folder cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="genotel-backfill-") as place:
        text = Path(place) / "history.txt"
        write_text(pieces, text)
        command = [promtool, "tsdb", "create-blocks-from", f"--max-block-duration={_BLOCK}", "openmetrics"]
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", file=str(folder)) from error
        try:
            done = subprocess.run(  # noqa: S603 - the user's own tool, no shell
                [*command, str(text), str(folder)], capture_output=True, text=True, errors="replace", check=False
            )
        except OSError as error:
            raise SettingsError(f"{promtool} cannot be started ({error.strerror}); give --promtool its path") from error
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
        raise ServerError(f"promtool refused the history: {said[:300]}")


def load_into_victoria_metrics(pieces: Iterable[str], access: ServerAccess) -> None:
    """Send the text to a VictoriaMetrics that runs, in pieces of whole lines.

    Raises:
        ServerError: it cannot be reached or refuses.
        InputError: the file of the token cannot be read.
    """
    url = f"{access.shown}/api/v1/import/prometheus"
    pool = urllib3.PoolManager(retries=False, timeout=_SECONDS)
    for body in _bodies(pieces):
        try:
            answer = pool.request("POST", url, body=body, headers=access.request_headers())
        except (HTTPError, OSError) as error:
            raise ServerError(f"{url}: nothing answers there ({type(error).__name__}); check the address") from error
        if answer.status not in {200, 204}:
            said = " ".join(answer.data.decode("utf-8", "replace").split())[:200]
            raise ServerError(f"{url}: {answer.status} {said}; is it VictoriaMetrics, and may we write?")


def _bodies(pieces: Iterable[str]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        data = piece.encode()
        held.append(data)
        size += len(data)
        if size >= _PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
