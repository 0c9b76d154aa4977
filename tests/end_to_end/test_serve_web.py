"""``genotel serve`` on the wire: TLS, users, sockets, systemd, and what a real Prometheus makes of it."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import bcrypt
import pytest

from tests.certificates import Authority
from tests.servers import RealPrometheus, fetch, wait_for

HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")
AUTHORIZED = {"Authorization": "Basic YWxpY2U6c2VjcmV0"}
MUTUAL = f"""
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
basic_auth_users:
  alice: {HASH}
"""


@contextmanager
def serving(*options, environ=None, folder=None, said=1):
    """Run an exporter and give its process, the address that it printed, and the lines before that."""
    process = subprocess.Popen(
        [sys.executable, "-m", "genotel", "serve", "--collectors", "memory", *options],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, **(environ or {})},
    )
    try:
        lines = [process.stderr.readline() for _ in range(said)]
        yield process, re.fullmatch(r"genotel: serving (\S+)\n", lines[-1])[1], lines[:-1]
    finally:
        process.kill()
        process.stderr.close()
        process.wait()


@pytest.fixture
def authority(tmp_path):
    """Sign a server's and a client's certificate into the test's folder."""
    signer = Authority()
    signer.issue("127.0.0.1").write(tmp_path)
    signer.issue("prometheus.example").write(tmp_path, "client")
    (tmp_path / "ca.crt").write_text(signer.certificate, encoding="ascii")
    (tmp_path / "web.yml").write_text(MUTUAL, encoding="utf-8")
    return signer


def trusting(folder, *, certificate=True):
    """Return a client's context."""
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    if certificate:
        context.load_cert_chain(folder / "client.crt", folder / "client.key")
    return context


def get(url, context, headers=AUTHORIZED):
    """Return status and body over TLS."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), context=context, timeout=10) as answer:
        return answer.read().decode()


@pytest.mark.real_servers
@pytest.mark.parametrize("newer", [False, True], ids=["debian", "newer"])
def test_prometheus_scrapes_by_tls_with_a_certificate_and_a_password(tmp_path, authority, newer):
    """``up`` is 1, values arrive, and one password was hashed; with a wrong one ``up`` is 0."""
    client = {
        "scheme": "https",
        "tls_config": {
            name: str(tmp_path / file)
            for name, file in (("ca_file", "ca.crt"), ("cert_file", "client.crt"), ("key_file", "client.key"))
        },
        "basic_auth": {"username": "alice", "password": "secret"},
    }
    with serving("--port", "0", "--web.config.file", "web.yml", folder=tmp_path) as (_, url, _lines):
        target = re.match(r"https://([^/]+)/", url)[1]
        with RealPrometheus(tmp_path / "prometheus", {"box": target}, newer=newer, client=client) as prometheus:
            wait_for(
                "a second scrape",
                lambda: [value for _, value in prometheus.query("genotel_scrapes_total") if value],
            )
            assert [value for _, value in prometheus.query("up")] == [1.0]
            assert [value for _, value in prometheus.query("genotel_passwords_hashed_total")] == [1.0]
            assert [value for _, value in prometheus.query("genotel_web_config_success")] == [1.0]
            assert prometheus.query("system_memory_limit_bytes")
        if newer:
            return
        client["basic_auth"]["password"] = "wrong"
        with RealPrometheus(tmp_path / "refused", {"box": target}, newer=newer, client=client) as prometheus:
            assert wait_for("a scrape", lambda: prometheus.query("up"))[0][1] == 0.0


def test_changes_of_the_file_and_the_certificate_count_at_once(tmp_path, authority):
    """Without a restart; a broken change is told once, without its secret, and changes nothing."""
    with serving("--port", "0", "--web.config.file", "web.yml", folder=tmp_path) as (process, url, _):
        context = trusting(tmp_path)
        get(url, context)
        (tmp_path / "web.yml").write_text(MUTUAL.replace("alice", "bob"), encoding="utf-8")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            get(url, context)
        (tmp_path / "web.yml").write_text(MUTUAL.replace(HASH, "hunter2"), encoding="utf-8")
        for _ in range(3):
            get(url, context, {"Authorization": "Basic Ym9iOnNlY3JldA=="})
        (tmp_path / "web.yml").write_text(MUTUAL, encoding="utf-8")
        host, port = re.match(r"https://(.+):(\d+)/", url).groups()
        serials = []
        for _ in range(2):
            with (
                socket.create_connection((host, int(port))) as raw,
                context.wrap_socket(raw, server_hostname=host) as tls,
            ):
                serials.append(tls.getpeercert()["serialNumber"])
            authority.issue("127.0.0.1").write(tmp_path)
        assert serials[0] != serials[1]
        # What an operator sends by habit, and nothing here needs.
        process.send_signal(signal.SIGHUP)
        get(url, context)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        said = process.stderr.read()
    assert said.count("\n") == 2
    assert "web.yml:8: basic_auth_users.alice: is no bcrypt hash" in said
    assert "hunter2" not in said


def test_a_wrong_file_is_one_line_with_every_mistake(tmp_path):
    """Exit code 2, before anything is served."""
    (tmp_path / "web.yml").write_text("tls_server_config: {min_version: TLS9}\nmore: 1\n", encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "genotel", "serve", "--port", "0", "--web.config.file", "web.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    for says in ("min_version: is 'TLS9'", "needs cert_file (or cert)", "needs key_file (or key)", "more: unknown key"):
        assert says in ended.stderr


def test_a_path_is_served_and_removed(tmp_path):
    """One left over by a killed server is replaced; the environment may name it too."""
    path = tmp_path / "page.sock"

    def page():
        connection = http.client.HTTPConnection("localhost", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(path))
        connection.request("GET", "/metrics")
        body = connection.getresponse().read()
        connection.close()
        return body

    with serving("--web.listen-address", f"unix:{path}") as (process, address, _):
        assert address == f"unix:{path}"
        assert b"system_memory_limit_bytes" in page()
        process.kill()
        process.wait()
    assert path.exists()
    with serving(environ={"OTEL_EXPORTER_PROMETHEUS_HOST": f"unix:{path}"}) as (process, _, _lines):
        assert b"system_memory_limit_bytes" in page()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not path.exists()


def test_a_network_that_can_read_the_page_is_one_warning():
    """It is served all the same, as with every exporter."""
    with serving("--web.listen-address", "0.0.0.0:0", said=2) as (_, url, lines):
        assert re.fullmatch(r"genotel: whoever reaches 0\.0\.0\.0:\d+ may read the page: .*\n", lines[0])
        assert b"system_memory_limit_bytes" in fetch(url)


# What systemd does: it binds, and the program finds the socket as its descriptor 3.
ACTIVATE = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-m", "genotel", "serve", "--collectors", "memory", *sys.argv[2:]])
"""


def test_a_socket_of_systemd_is_served():
    """The address is the socket's; without one there is one clear line."""
    process = subprocess.Popen(
        [sys.executable, "-c", ACTIVATE, "0", "--web.systemd-socket"], stderr=subprocess.PIPE, text=True
    )
    try:
        url = re.fullmatch(r"genotel: serving (http://127\.0\.0\.1:\d+/metrics)\n", process.stderr.readline())[1]
        assert b"system_memory_limit_bytes" in fetch(url)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.stderr.close()
        process.wait()
    ended = subprocess.run(
        [sys.executable, "-m", "genotel", "serve", "--web.systemd-socket"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "systemd has handed over no socket" in ended.stderr


@pytest.mark.parametrize("given", ["argument", "variable"])
def test_a_program_is_served_by_tls_too(tmp_path, authority, given):
    """``configure()`` takes the file, by argument or variable; its address is https."""
    program = (
        "import genotel, ssl, sys, urllib.request\n"
        "with genotel.configure(port=0, web_config_file=sys.argv[1] or None) as handle:\n"
        "    print(handle.url)\n"
        "    sys.stdout.flush()\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "web.yml") if given == "argument" else ""],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "GENOTEL_WEB_CONFIG_FILE": str(tmp_path / "web.yml") if given == "variable" else ""},
    )
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("https://127.0.0.1:")
        assert "genotel_tls_handshakes_total" in get(url, trusting(tmp_path))
        with pytest.raises(OSError, match=r"alert|reset|EOF|closed"):
            get(url, trusting(tmp_path, certificate=False))
    finally:
        process.communicate("", timeout=20)
    assert process.returncode == 0


def is_refused(host, port):
    """Return whether nobody listens there."""
    with socket.socket() as client:
        return client.connect_ex((host, port)) != 0


SLOWLY_READ = """
import sys, time
import genotel
from prometheus_client import CollectorRegistry, Gauge
registry = CollectorRegistry()
# More bytes than the system keeps on their way.
gauge = Gauge("demo_number", "A number.", ["number", "text"], registry=registry)
for number in range(20_000):
    gauge.labels(str(number), 500 * "x").set(number)
handle = genotel.configure(port=0, registry=registry, handle_signals=True)
print(handle.url, flush=True)
time.sleep(60)
"""


def test_an_answer_under_way_ends_whole_after_sigterm():
    """New clients are refused meanwhile, and the program ends as it would have by the signal."""
    process = subprocess.Popen([sys.executable, "-c", SLOWLY_READ], stdout=subprocess.PIPE, text=True)
    try:
        host, port = re.match(r"http://(.+):(\d+)/", process.stdout.readline()).groups()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(20)
            client.connect((host, int(port)))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            with client.makefile("rb") as answer:
                assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
                headers = dict(iter(lambda: tuple(answer.readline().decode().strip().split(": ", 1)), ("",)))
                process.send_signal(signal.SIGTERM)
                wait_for("new clients to be refused", lambda: is_refused(host, int(port)))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
                body = answer.read(int(headers["Content-Length"]))
        assert len(body) == int(headers["Content-Length"])
        assert b'\ndemo_number{number="19999",text="xxx' in body
        assert process.wait(20) == -signal.SIGTERM
    finally:
        process.kill()
        process.communicate()
