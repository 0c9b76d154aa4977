"""``genotel serve``: the metrics of this machine on a page, until it is told to stop."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated

import typer

from genotel.errors import SettingsError

_EXPORTER = "genotel.collectors.exporter"


def serve(
    host: Annotated[str | None, typer.Option(help="Address to serve on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one.", show_default="9464")] = None,
    collectors: Annotated[
        str | None, typer.Option(help="Names separated by commas, all, or none.", show_default="all")
    ] = None,
    spool: Annotated[
        str | None, typer.Option(help="Folder in which programs leave their values; they are on the page too.")
    ] = None,
    file_sd: Annotated[
        str | None,
        typer.Option("--file-sd", help="File in which the spool's processes are listed for Prometheus (file_sd)."),
    ] = None,
    journal: Annotated[
        str | None, typer.Option(help="Journal of this machine: its size and last uses, and that somebody watches.")
    ] = None,
    web_config_file: Annotated[
        str | None,
        typer.Option("--web.config.file", help="File with TLS, users, headers and a rate limit of the page."),
    ] = None,
    web_listen_address: Annotated[
        str | None,
        typer.Option("--web.listen-address", help="Instead of host and port: host:port, :port or unix:/path."),
    ] = None,
    web_systemd_socket: Annotated[
        bool, typer.Option("--web.systemd-socket", help="Serve the sockets that systemd hands over.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Start nothing: say what would be served, or everything that is wrong.")
    ] = False,
) -> None:
    """Serve the metrics of this machine until SIGTERM or Ctrl-C.

    The address is printed on stderr. GENOTEL_COLLECTORS, GENOTEL_SPOOL, GENOTEL_JOURNAL, GENOTEL_WEB_CONFIG_FILE,
    OTEL_EXPORTER_PROMETHEUS_HOST and _PORT and genotel.toml say what the options do not.
    """
    if web_listen_address is not None:
        host, port = _address(web_listen_address, host, port)
    given: dict[str, object] = {
        "host": host,
        "port": port,
        "collectors": collectors,
        "spool": spool,
        "spool_targets_file": file_sd,
        "journal": journal,
        "web_config_file": web_config_file,
        "web_systemd_socket": web_systemd_socket or None,
    }
    if check:
        raise typer.Exit(_check(given))
    words = [f"{name}={value}" for name, value in given.items() if value is not None]
    # This process becomes the exporter: typer with what it needs would hold 18 MB for as long as it
    # serves. Where it cannot, the exporter runs here.
    flags = path_flags(sys.flags.isolated == 1, os.getcwd(), sys.path)
    with suppress(OSError):
        os.execv(sys.executable, [sys.executable, *flags, "-m", _EXPORTER, *words])  # noqa: S606  (no shell is meant)
    from genotel.collectors.exporter import main

    raise typer.Exit(main(words))


def _address(address: str, host: str | None, port: int | None) -> tuple[str, int | None]:
    if host is not None or port is not None:
        raise SettingsError("--web.listen-address stands for --host and --port; give either it or them")
    from genotel.exposition.listening import split_address

    return split_address(address)


def _check(given: Mapping[str, object]) -> int:
    from genotel.collectors.exporter_check import check

    found = check(given)
    for mistake in found.mistakes:
        print(f"genotel: {mistake}", file=sys.stderr)
    if found.mistakes:
        return SettingsError.exit_code
    for word, text in found.summary:
        print(f"{word}: {text}")
    return 0


def path_flags(isolated: bool, folder: str, path: Sequence[str]) -> list[str]:
    """Return the flags by which ``python -m`` looks for modules where this process does.

    Args:
        isolated: whether this one was started with ``-I``.
        folder: the working folder: ``python -m genotel`` looks into it, the script ``genotel`` does not.
        path: where this process looks for modules.
    """
    if isolated:
        return ["-I"]
    return [] if folder in path else ["-P"]
