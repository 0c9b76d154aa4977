"""Sockets to listen on: addresses, paths, and what systemd hands over."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys

import pytest

from genotel.errors import SettingsError
from genotel.exposition.listening import (
    handed_over,
    host_of,
    identity_of,
    is_on_a_network,
    listen,
    port_of,
    remove_path,
    split_address,
)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("box.example:0", ("box.example", 0)),
        ("[::1]:9464", ("::1", 9464)),
        ("unix:/run/page.sock", ("unix:/run/page.sock", None)),
    ],
)
def test_an_address_is_split(address, found):
    """As Prometheus' programs write it."""
    assert split_address(address) == found


def test_a_port_alone_is_every_network(monkeypatch):
    """By both protocols, or by the one that there is."""
    monkeypatch.setattr(os.path, "exists", lambda _: True)
    assert split_address(":9464") == ("::", 9464)
    monkeypatch.setattr(os.path, "exists", lambda _: False)
    assert split_address(":9464") == ("0.0.0.0", 9464)


@pytest.mark.parametrize("address", ["", "9464", "localhost", "::1:9464", "host:", "host:http", "host:-1", "host:١"])
def test_what_is_no_address_is_refused(address):
    """With the forms that there are."""
    with pytest.raises(SettingsError, match="is no address to listen on: expected host:port"):
        split_address(address)


def test_a_path_is_listened_on_and_removed(tmp_path):
    """It has no port, and is on no network."""
    host = f"unix:{tmp_path}/page.sock"
    with listen(host, 9464) as listener:
        assert (host_of(listener), port_of(listener), is_on_a_network(listener)) == (host, 0, False)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"{tmp_path}/page.sock")
        remove_path(host, identity_of(host) or 0)
    assert list(tmp_path.iterdir()) == []
    remove_path(host, 1)


def test_a_socket_that_was_left_over_is_replaced(tmp_path):
    """Its server was killed; a server that lives keeps its path, and a later one's is not removed."""
    host = f"unix:{tmp_path}/page.sock"
    listen(host, 0).close()
    with listen(host, 0):
        identity = identity_of(host)
        with pytest.raises(OSError, match="in use"):
            listen(host, 0)
        os.unlink(f"{tmp_path}/page.sock")
        # Inodes are used again where nothing else was made meanwhile.
        (tmp_path / "other").touch()
        with listen(host, 0):
            assert identity is not None
            remove_path(host, identity + 10**9)
            assert os.path.exists(f"{tmp_path}/page.sock")


def test_a_file_is_never_replaced(tmp_path):
    """Nor a folder made, nor an endless path cut."""
    (tmp_path / "page.sock").write_text("precious")
    for host in (f"unix:{tmp_path}/page.sock", f"unix:{tmp_path}/nowhere/page.sock", f"unix:/{'x' * 200}", "unix:"):
        with pytest.raises(OSError, match=r"."):
            listen(host, 0)
    assert (tmp_path / "page.sock").read_text() == "precious"


@pytest.mark.parametrize(("host", "on_a_network"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)])
def test_what_others_can_reach_is_known(host, on_a_network):
    """From the socket itself, whatever the name was."""
    with listen(host, 0) as listener:
        assert is_on_a_network(listener) is on_a_network


@pytest.mark.skipif(not os.path.exists("/proc/net/if_inet6"), reason="this system has no IPv6")
@pytest.mark.parametrize(("host", "on_a_network"), [("::1", False), ("::", True)])
def test_what_others_can_reach_is_known_of_ipv6(host, on_a_network):
    """The loopback of IPv6 is one too."""
    with listen(host, 0) as listener:
        assert is_on_a_network(listener) is on_a_network


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "0"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "99999"},
        {"LISTEN_PID": str(os.getpid())},
    ],
)
def test_nothing_handed_over_is_refused(environ):
    """What was said for another process is not for this one."""
    environ = dict(environ)
    with pytest.raises(SettingsError, match="systemd has handed over no socket"):
        handed_over(environ)
    assert environ == {}


PROGRAM = """
import os, socket, sys
from genotel.errors import GenotelError
from genotel.exposition.listening import handed_over, host_of
kinds = {"tcp": (socket.AF_INET, socket.SOCK_STREAM), "udp": (socket.AF_INET, socket.SOCK_DGRAM)}
os.closerange(3, 20)
for number, word in enumerate(sys.argv[1:], 3):
    if word == "file":
        made = os.open("/dev/null", os.O_RDONLY)
        assert made == number
        continue
    if word == "nothing":
        continue
    made = socket.socket(socket.AF_UNIX) if word == "unix" else socket.socket(*kinds[word.split("-")[0]])
    made.bind("page.sock" if word == "unix" else ("127.0.0.1", 0))
    if word in ("tcp", "unix"):
        made.listen()
    made.set_inheritable(True)
    assert made.detach() == number
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sys.argv) - 1), LISTEN_FDNAMES="a:b")
try:
    listeners = handed_over(os.environ)
except GenotelError as error:
    print(error)
else:
    print([host_of(listener) for listener in listeners],
          [os.get_inheritable(listener.fileno()) or listener.getblocking() for listener in listeners],
          sorted(name for name in os.environ if name.startswith("LISTEN_")))
"""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["tcp"], "['127.0.0.1'] [False] []"),
        (["tcp", "unix"], "['127.0.0.1', 'unix:page.sock'] [False, False] []"),
        (["tcp", "file"], "systemd's descriptor 4 is no socket (Socket operation on non-socket)"),
        (["nothing"], "systemd's descriptor 3 is no socket (Bad file descriptor)"),
        (["udp"], "systemd's descriptor 3 takes no connections; the .socket unit needs ListenStream="),
        (["tcp-only-bound"], "systemd's descriptor 3 takes no connections; the .socket unit needs ListenStream="),
    ],
)
def test_what_systemd_opened_is_taken(words, says, tmp_path):
    """From descriptor 3 on; no child inherits it, and what is no listening socket is refused."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout.strip(), done.stderr) == (says, "")


def test_the_mode_of_a_path_is_that_of_the_mask(tmp_path):
    """Who may connect is the operator's decision."""
    before = os.umask(0o117)
    try:
        with listen(f"unix:{tmp_path}/page.sock", 0):
            assert stat.S_IMODE(os.stat(tmp_path / "page.sock").st_mode) == 0o660
    finally:
        os.umask(before)


def test_a_restart_does_not_wait_for_old_connections():
    """A connection that the server has closed first keeps its port for a minute, but not from the next server."""
    with listen("127.0.0.1", 0) as listener:
        port = port_of(listener)
        listener.setblocking(True)
        with socket.create_connection(("127.0.0.1", port)) as client:
            served, _ = listener.accept()
            served.close()
            assert client.recv(1) == b""
    listen("127.0.0.1", port).close()
