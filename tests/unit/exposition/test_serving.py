"""The page of a user's program is served where that is possible."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from genotel.exposition.page import Page
from genotel.exposition.serving import ServedPage, serve_if_free
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.settings import PageSettings


def test_a_page_is_served_with_its_own_numbers():
    """The scrapes of it are on it."""
    server = serve_if_free(Page(), PageSettings(port=0))
    try:
        with urllib.request.urlopen(server.url, timeout=10) as answer:
            assert b"genotel_scrapes_total" in answer.read()
    finally:
        server.close()


@pytest.mark.parametrize("quiet", [False, True])
def test_a_taken_port_is_one_warning_unless_it_is_nothing_to_speak_of(quiet, caplog):
    """With a spool, whoever has the port shows this process too."""
    page = Page()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert serve_if_free(page, PageSettings(port=port), quiet=quiet) is None
    assert len(caplog.records) == (0 if quiet else 1)
    assert quiet or f"127.0.0.1:{port}: Address already in use; the program goes on" in caplog.text


def test_a_path_and_a_page_behind_a_file_are_served(tmp_path, web_file, authority):
    """The address says what to do with it; the page tells of the web configuration file."""
    where = PageSettings(
        host=f"unix:{tmp_path}/page.sock",
        web_config_file=web_file("tls_server_config: {cert_file: server.crt, key_file: server.key}"),
    )
    page = Page()
    with closing(serve_if_free(page, where)) as server:
        assert server.url == where.host
        assert server.exposure is None
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(f"{tmp_path}/page.sock")
            with authority.client().wrap_socket(raw, server_hostname="localhost") as client:
                client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                with client.makefile("rb") as answer:
                    assert b"\ngenotel_web_config_success 1\n" in answer.read()
    assert not (tmp_path / "page.sock").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "whoever reaches 0.0.0.0:"),
        ("rate_limit: {interval: 1s, burst: 5}", "whoever reaches 0.0.0.0:"),
        ("basic_auth_users: {alice: $2y$10$" + "a" * 53 + "}", "passwords go to 0.0.0.0:"),
        ("tls_server_config: {cert_file: server.crt, key_file: server.key}", None),
    ],
)
def test_a_page_that_a_network_can_read_is_one_warning(text, says, web_file, caplog):
    """It is served all the same."""
    where = PageSettings(host="0.0.0.0", port=0, web_config_file=None if text is None else web_file(text))
    with closing(serve_if_free(Page(), where)) as server:
        assert (server.exposure or "").startswith(says or "")
        assert len(caplog.records) == (says is not None)
    caplog.clear()
    with closing(serve_if_free(Page(), PageSettings(port=0))) as server:
        assert server.exposure is None
    assert caplog.records == []


def test_a_wrong_web_file_is_one_warning_and_no_page(web_file, caplog):
    """A page that should have users is not served without them."""
    assert serve_if_free(Page(), PageSettings(port=0, web_config_file=web_file("users: 1")), quiet=True) is None
    assert len(caplog.records) == 1
    assert "web.yml:1: users: unknown key; the program goes on" in caplog.text


@pytest.mark.parametrize("missing", ["yaml", "bcrypt"])
def test_a_missing_library_is_one_clear_line(missing, tmp_path):
    """With the extra that has it; nothing is read by half."""
    (tmp_path / "web.yml").write_text("rate_limit: {interval: 1s, burst: 5}", encoding="utf-8")
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from pathlib import Path\n"
        "from genotel.errors import SettingsError\n"
        "from genotel.exposition.serving import open_access\n"
        "try:\n    open_access(Path('web.yml'))\nexcept SettingsError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == f"web.yml cannot be read without {missing}: pip install 'genotel[serve]'\n"


def test_a_program_without_a_web_file_loads_none_of_it():
    """Neither OpenSSL nor YAML: they would double the time of an import."""
    program = (
        "import sys\nfrom genotel.exposition.page import Page\nfrom genotel.exposition.serving import ServedPage\n"
        "from genotel.settings import PageSettings\n"
        "with ServedPage(Page(), PageSettings(port=0)):\n"
        "    print(sorted({'ssl', 'yaml', 'bcrypt', 'hmac'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "[]\n"


def test_a_page_that_is_served_again_tells_of_itself_once(web_file):
    """A series must not be there twice."""
    page = Page()
    server = ServedPage(page, PageSettings(port=0, web_config_file=web_file("rate_limit: {interval: 1s, burst: 5}")))
    for _ in range(2):
        server.start()
        server.close()
    assert page.render(TEXT_0_0_4).count(b"\ngenotel_web_config_success 1\n") == 1


def test_a_file_is_not_read_where_the_address_is_taken(caplog):
    """A worker asks for it every second, and once is enough to hear of a wrong file."""
    where = PageSettings(port=0, web_config_file=Path("nowhere.yml"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert serve_if_free(Page(), replace(where, port=taken.getsockname()[1]), quiet=True) is None
    assert caplog.records == []
    for _ in range(3):
        assert serve_if_free(Page(), where, quiet=True) is None
    assert len(caplog.records) == 1


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_leaves_the_path_of_its_parent(tmp_path):
    """It is not its own."""
    path = tmp_path / "page.sock"
    with closing(serve_if_free(Page(), PageSettings(host=f"unix:{path}"))) as server:
        child = os.fork()
        if child == 0:
            try:
                server.after_fork()
                server.close()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert path.exists()
    assert not path.exists()
