"""Say what ``genotel serve`` would serve, or everything that is wrong; start, make and change nothing.

A check of one setting is one function with its line in ``_CHECKS``. It says what is wrong with a value that
could be read; what could not be is named by :func:`genotel.settings.read_settings`.
"""

from __future__ import annotations

import dataclasses
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from genotel.collectors.exporter import DEFAULTS, refusal
from genotel.collectors.model_stores import stores
from genotel.collectors.registry import COLLECTORS
from genotel.errors import JournalError, SettingsError
from genotel.exposition.listening import UNIX_PREFIX
from genotel.exposition.serving import open_access
from genotel.journal.location import refuse_network_filesystem
from genotel.settings import CONFIG_NAME, CONFIG_VARIABLE, PageSettings, Settings, read_settings
from genotel.settings.loading import hint

_PREFIX = "GENOTEL_"


class Check(NamedTuple):
    """Hold every mistake, one line each, or what would be served: pairs of a word and a text."""

    mistakes: tuple[str, ...]
    summary: tuple[tuple[str, str], ...]


def check(arguments: Mapping[str, object], environ: Mapping[str, str] | None = None) -> Check:
    """Read everything that the exporter would read with these arguments.

    Args:
        arguments: settings by name, as :func:`genotel.collectors.exporter.serve_page` takes them.
        environ: the environment, by default that of the process.

    Example:
        >>> check({"port": 0, "collectors": "cpu,dsk"}, environ={}).mistakes
        ('argument collectors: no collector named dsk; did you mean disk?',)
    """
    environ = os.environ if environ is None else environ
    read = read_settings(arguments, defaults=DEFAULTS, environ=environ)
    mistakes = [*read.mistakes, *_unknown_variables(environ)]
    unread = {
        name for name, source in read.sources.items() if any(line.startswith(f"{source} is ") for line in read.mistakes)
    }
    for names, function in _CHECKS.items():
        if unread.intersection(names):
            # Its default is not what the user meant.
            continue
        given = [read.sources[name] for name in names if name in read.sources]
        place = " and ".join(given) or f"default {names[0]}"
        mistakes += [f"{place}: {mistake}" for mistake in function(read.settings)]
    return Check(tuple(mistakes), () if mistakes else tuple(_summary(read.settings, read.file)))


def _summary(settings: Settings, file: Path | None) -> Iterator[tuple[str, str]]:
    page = settings.page
    yield "settings", f"no {CONFIG_NAME}" if file is None else str(file)
    yield "page", _page(page)
    yield "web configuration", str(page.web_config_file or "none")
    yield "collectors", ", ".join(_named(settings)) or "none"
    yield "spool", str(settings.spool.spool or "none")
    yield "journal", str(settings.journal.journal or "none")
    if settings.inventory.model_folders:
        yield "model folders", ", ".join(settings.inventory.model_folders)


def _page(page: PageSettings) -> str:
    if page.web_systemd_socket:
        return "the sockets that systemd hands over"
    if page.host.startswith(UNIX_PREFIX):
        return page.host
    host = f"[{page.host}]" if ":" in page.host else page.host
    is_tls = page.web_config_file is not None and open_access(page.web_config_file).is_tls
    return f"{'https' if is_tls else 'http'}://{host}:{page.port or '(any free port)'}/metrics"


def _named(settings: Settings) -> list[str]:
    wanted = settings.collectors.collectors
    return [name for name in COLLECTORS if name in wanted or "all" in wanted]


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    known = {
        setting.metadata["variable"]
        for section in dataclasses.fields(Settings)
        for setting in dataclasses.fields(type(section.default))  # type: ignore[arg-type]  # each default is one of ours
        if setting.metadata["variable"]
    }
    known.add(CONFIG_VARIABLE)
    for name in sorted(environ):
        if name.startswith(_PREFIX) and name not in known:
            yield f"variable {name} is none of genotel's{hint(name, known)}"


def _address(settings: Settings) -> Iterator[str]:
    host, port = settings.page.host, settings.page.port
    if settings.page.web_systemd_socket:
        # What systemd hands over is there only when it starts the service.
        return
    if host.startswith(UNIX_PREFIX):
        yield from _folder_faults(Path(host.removeprefix(UNIX_PREFIX)).parent)
        return
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        with socket.socket(family, kind, protocol) as probe:
            # As the server does: what is left of old connections is no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        yield refusal(error, host, port)


def _web_config(settings: Settings) -> Iterator[str]:
    path = settings.page.web_config_file
    if path is not None:
        try:
            open_access(path)
        except SettingsError as error:
            yield str(error)


def _collectors(settings: Settings) -> Iterator[str]:
    known = [*COLLECTORS, "all", "none"]
    for name in settings.collectors.collectors:
        if name not in known:
            yield f"no collector named {name}{hint(name, known) or '; known are ' + ', '.join(known)}"


def _spool(settings: Settings) -> Iterator[str]:
    folder = settings.spool.spool
    if folder is not None:
        yield from _folder_faults(folder)


def _targets_file(settings: Settings) -> Iterator[str]:
    file = settings.spool.spool_targets_file
    if file is None:
        return
    if settings.spool.spool is None:
        yield "there are no processes to list without a spool"
    if file.suffix != ".json":
        yield f"{file} does not end in .json, as Prometheus wants it"
    if os.path.exists(file) and not os.path.isfile(file):
        yield f"{file} is not a file"
    else:
        yield from _folder_faults(file.parent)


def _journal(settings: Settings) -> Iterator[str]:
    path = settings.journal.journal
    if path is None:
        return
    try:
        refuse_network_filesystem(path)
    except JournalError as error:
        yield str(error)
    if not os.path.exists(path):
        yield from _folder_faults(path.parent)
        return
    if not os.path.isfile(path):
        yield f"{path} is not a file"
    elif not os.access(path, os.R_OK | os.W_OK):
        yield f"{path} cannot be read and written by this user"
    else:
        # Whoever keeps no journal need not have sqlite3.
        from genotel.journal.reader import JournalReader

        try:
            JournalReader(path).close()
        except JournalError as error:
            yield str(error)


def _model_folders(settings: Settings) -> Iterator[str]:
    for store in stores(settings.inventory.model_folders):
        # What the user named has no layout yet; the known places may well be missing.
        if store.layout is not None:
            continue
        if not os.path.isdir(store.path):
            yield f"{store.path} is not a folder"
        elif not os.access(store.path, os.R_OK | os.X_OK):
            yield f"{store.path} cannot be read by this user"


def _folder_faults(folder: Path) -> Iterator[str]:
    """Yield what keeps this user from making files in a folder, or from making the folder."""
    try:
        os.stat(folder)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        yield f"{folder}: {error.strerror}"
        return
    if os.path.exists(folder) and not os.path.isdir(folder):
        yield f"{folder} is not a folder"
        return
    nearest = next(path for path in (folder, *folder.absolute().parents) if os.path.exists(path))
    if not os.path.isdir(nearest):
        yield f"{folder} cannot be made: {nearest} is not a folder"
    elif not os.access(nearest, os.W_OK | os.X_OK):
        what = "files in it cannot be made" if nearest == folder else f"it cannot be made in {nearest}"
        yield f"{folder}: {what} by this user"


# The settings that a fault is of, the first one named where nobody gave any -> the faults of their values.
_CHECKS: dict[tuple[str, ...], Callable[[Settings], Iterator[str]]] = {
    ("port", "host"): _address,
    ("web_config_file",): _web_config,
    ("collectors",): _collectors,
    ("spool",): _spool,
    ("spool_targets_file",): _targets_file,
    ("journal",): _journal,
    ("model_folders",): _model_folders,
}
