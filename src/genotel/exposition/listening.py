"""The sockets that clients connect to: of an address, of a path, or handed over by systemd."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator, MutableMapping

from genotel.errors import SettingsError

# A host of this form is the path of a Unix socket.
UNIX_PREFIX = "unix:"

_BACKLOG = 128
# sd_listen_fds(3): the first descriptor that is handed over.
_FIRST_HANDED_OVER = 3
# No system lets a process have more.
_MAX_HANDED_OVER = 1024


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address, or on the path of ``unix:/path``.

    Args:
        host: a name or address; ``::`` takes IPv4 clients too where the system can.
        port: 0 takes any free one; a path has none.

    Raises:
        OSError: the address is taken or not ours.
    """
    if host.startswith(UNIX_PREFIX):
        return _listen_on_path(host.removeprefix(UNIX_PREFIX))
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # Of a name with both (localhost), the address that every client tries.
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    with _closed_on_failure(socket.socket(family, kind, protocol)) as listener:
        # A restart need not wait for the old connections' TIME_WAIT; two servers still cannot share a port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and host == "::":
            with contextlib.suppress(OSError):
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(_BACKLOG)
        prepare(listener)
    return listener


def prepare(listener: socket.socket) -> None:
    """Make a listening socket one that never waits, nor lets small answers wait."""
    if listener.family in (socket.AF_INET, socket.AF_INET6):
        # Connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)


def handed_over(environ: MutableMapping[str, str]) -> list[socket.socket]:
    """Return the listening sockets that systemd has opened for this process.

    What systemd says is taken out of the environment, so that no child takes it for its own.

    Args:
        environ: that of the process.

    Raises:
        SettingsError: there are none, or one of them is not what a page can be served on.
    """
    pid, count = (environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS"))
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdecimal() or not 0 < int(count) <= _MAX_HANDED_OVER:
        raise SettingsError(
            "systemd has handed over no socket; start the service by a .socket unit, or leave --web.systemd-socket out"
        )
    with contextlib.ExitStack() as stack:
        listeners = []
        for descriptor in range(_FIRST_HANDED_OVER, _FIRST_HANDED_OVER + int(count)):
            try:
                listener = stack.enter_context(_closed_on_failure(socket.socket(fileno=descriptor)))
                os.set_inheritable(descriptor, False)
                listens = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            except OSError as error:
                raise SettingsError(f"systemd's descriptor {descriptor} is no socket ({error.strerror})") from None
            if not listens or listener.type != socket.SOCK_STREAM:
                raise SettingsError(
                    f"systemd's descriptor {descriptor} takes no connections; the .socket unit needs ListenStream="
                )
            prepare(listener)
            listeners.append(listener)
        return listeners


def host_of(listener: socket.socket) -> str:
    """Return where a socket listens, as :func:`listen` takes it."""
    name = listener.getsockname()
    return f"{UNIX_PREFIX}{name}" if listener.family == socket.AF_UNIX else str(name[0])


def port_of(listener: socket.socket) -> int:
    """Return the port of a listening socket; 0 for a path."""
    return 0 if listener.family == socket.AF_UNIX else int(listener.getsockname()[1])


def is_on_a_network(listener: socket.socket) -> bool:
    """Return whether other machines can reach a listening socket."""
    return not host_of(listener).startswith((UNIX_PREFIX, "127.", "::1", "::ffff:127."))


def split_address(address: str) -> tuple[str, int | None]:
    """Return host and port of an address as Prometheus' programs take it; a path has no port.

    Raises:
        SettingsError: it is none.

    Example:
        >>> split_address("[::1]:9464"), split_address("unix:/run/page.sock")
        (('::1', 9464), ('unix:/run/page.sock', None))
    """
    if address.startswith(UNIX_PREFIX):
        return address, None
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not (port.isascii() and port.isdecimal()) or (":" in host and not bracketed):
        raise SettingsError(
            f"{address!r} is no address to listen on: expected host:port, :port, [IPv6]:port or unix:/path"
        )
    # Without a host it is every network of the machine, by both protocols where there are two.
    every = "::" if os.path.exists("/proc/net/if_inet6") else "0.0.0.0"  # noqa: S104  (it was asked for)
    return (host[1:-1] if bracketed else host) or every, int(port)


def identity_of(host: str) -> int | None:
    """Return what tells the socket of ``unix:/path`` from a later one of the same path; None for an address."""
    return os.stat(host.removeprefix(UNIX_PREFIX)).st_ino if host.startswith(UNIX_PREFIX) else None


def remove_path(host: str, identity: int) -> None:
    """Remove the path of ``unix:/path``, unless somebody else's socket is there by now."""
    with contextlib.suppress(OSError):
        if identity_of(host) == identity:
            os.unlink(host.removeprefix(UNIX_PREFIX))


def _listen_on_path(path: str) -> socket.socket:
    if not path:
        raise OSError(errno.EINVAL, "unix: needs a path, such as unix:/run/page.sock")
    with _closed_on_failure(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        if _is_left_over(path):
            os.unlink(path)
        listener.bind(path)
        listener.listen(_BACKLOG)
        prepare(listener)
    return listener


def _is_left_over(path: str) -> bool:
    """Return whether a socket lies there that nobody listens to: its server was killed."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(path)
    except ConnectionRefusedError:
        return True
    except OSError:
        # It is not there, or not ours to look at: to bind will say which.
        return False
    return False


@contextlib.contextmanager
def _closed_on_failure(opened: socket.socket) -> Iterator[socket.socket]:
    try:
        yield opened
    except BaseException:
        opened.close()
        raise
