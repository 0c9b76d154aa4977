"""The single processes behind a page, as Prometheus' service discovery finds them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from genotel.exposition.answer import Answer
from genotel.exposition.format import Format
from genotel.exposition.request import Request
from genotel.exposition.routes import Routes
from genotel.exposition.scrape_request import RenderedPage, Scrape
from genotel.exposition.server import PageServer
from genotel.exposition.targets import process_asked_for, targets_answer, write_targets
from tests.servers import fetch


class NamedPage:
    """Render its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def render(self, format: Format, names: frozenset[str] | None = None) -> bytes:
        """Return the name."""
        return self.name.encode()


class TwoProcesses:
    """Know two."""

    def names(self) -> Sequence[str]:
        """Return them."""
        return ("7-00ff", "8-00ff")

    def page(self, name: str) -> RenderedPage | None:
        """Return the page of one."""
        return NamedPage(name) if name in self.names() else None


def ask(path: str, query: str = "", host: str = "box:9464", *, alone: bool = False) -> Answer | Scrape:
    """Return what a server says."""
    routes = Routes(lambda: True, None if alone else TwoProcesses())
    return routes.answer(Request("GET", path, query, {"host": host}, True))


def test_each_process_is_a_target_under_the_name_that_we_were_called_by() -> None:
    """One address, told apart by a parameter and by a label."""
    answer = ask("/sd")
    assert isinstance(answer, Answer)
    assert ("Content-Type", "application/json") in answer.headers
    assert json.loads(answer.body) == [
        {"targets": ["box:9464"], "labels": {"__param_process": name, "genotel_process": name}}
        for name in ("7-00ff", "8-00ff")
    ]


@pytest.mark.parametrize("host", ["box", "10.0.0.7:9464", "[::1]:9464", "a.b-c.example:1"])
def test_any_name_of_a_machine_will_do(host: str) -> None:
    """With a port or without."""
    assert json.loads(targets_answer(["7-00ff"], host).body)[0]["targets"] == [host]


@pytest.mark.parametrize("host", ["", "a b", 'a"b', "evil/path", "a:b", "[zz]", "a" * 300])
def test_what_can_be_no_name_is_refused(host: str) -> None:
    """It would end up in somebody's configuration."""
    assert targets_answer([], host).status == 400


def test_without_processes_there_is_no_such_path() -> None:
    """And its parameter means nothing, as any other that is not known."""
    answer = ask("/sd", alone=True)
    assert isinstance(answer, Answer)
    assert answer.status == 404
    scrape = ask("/metrics", "process=7-00ff", alone=True)
    assert isinstance(scrape, Scrape)
    assert scrape.page is None
    landing = ask("/")
    assert isinstance(landing, Answer)
    assert b'href="/sd"' in landing.body


def test_a_process_that_is_not_there_is_not_found() -> None:
    """A page without a series would look like a process without one."""
    answer = ask("/metrics", "process=9-00ff")
    assert isinstance(answer, Answer)
    assert answer.status == 404


def test_scrapes_of_several_processes_share_no_page() -> None:
    """Their keys differ, and that of all together is another one still."""
    scrapes = [ask("/metrics", query) for query in ("", "process=7-00ff", "process=8-00ff")]
    assert len({scrape.key for scrape in scrapes if isinstance(scrape, Scrape)}) == 3


def test_a_query_may_be_anything() -> None:
    """Only the parameter itself counts, and the first one of it."""
    assert process_asked_for("a=process&process=1&process=2") == "1"
    assert process_asked_for("name[]=process") is None
    assert process_asked_for("process") is None


def test_a_server_serves_each_process() -> None:
    """Beside the page of all."""
    with PageServer(NamedPage("all"), port=0, processes=TwoProcesses()) as server:
        base = server.url.removesuffix("/metrics")
        assert fetch(server.url) == b"all"
        assert fetch(f"{server.url}?process=8-00ff") == b"8-00ff"
        (first, _) = json.loads(fetch(f"{base}/sd"))
        assert first["targets"] == [f"127.0.0.1:{server.port}"]


def test_a_file_of_targets_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Whoever reads it meanwhile has the old one; nothing is left beside it, whatever happens."""
    path = tmp_path / "genotel.json"
    write_targets(path, b"one")
    with path.open("rb") as before:
        write_targets(path, b"two")
        assert before.read() == b"one"
    assert path.read_bytes() == b"two"
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_targets(tmp_path / "folder.json", b"three")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["folder.json", "genotel.json"]
