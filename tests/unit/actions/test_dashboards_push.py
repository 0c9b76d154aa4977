"""What a Grafana is asked, in which order, and what is made of its answers; the Grafana is a stub."""

from __future__ import annotations

import json

import pytest
import urllib3

from genotel.actions.dashboards_push import Grafana, Outcome, Pushed, push_all
from genotel.errors import InputError, ServerError
from genotel.prometheus_api.access import ServerAccess
from tests.grafana_stub import stub
from tests.servers import free_port

__all__ = ["stub"]

BOARD = {"uid": "genotel-x", "title": "X", "panels": [], "schemaVersion": 42}
FOLDER = ("genotel", "genotel")


def push(stub, board=BOARD, **options):
    """Push one dashboard and return what became of it."""
    access = ServerAccess(url=stub.url, **options.pop("access", {}))
    [done] = push_all(Grafana(access), {"x.json": json.dumps(board)}, FOLDER, "1.2.3", **options)
    return done


def test_a_new_grafana_gets_folder_and_dashboard(stub):
    """Four questions, in this order, with what the API wants."""
    assert push(stub) == Pushed("genotel-x", Outcome.CREATED, f"{stub.url}/d/genotel-x/x")
    assert [(method, path) for method, path, _, _ in stub.requests] == [
        ("GET", "/api/folders/genotel"),
        ("POST", "/api/folders"),
        ("GET", "/api/dashboards/uid/genotel-x"),
        ("POST", "/api/dashboards/db"),
    ]
    assert stub.requests[1][2] == {"uid": "genotel", "title": "genotel"}
    assert stub.requests[3][2] == {
        "dashboard": {**BOARD, "id": None},
        "folderUid": "genotel",
        "message": "genotel 1.2.3",
        "overwrite": True,
    }


def test_the_second_time_nothing_is_sent(stub):
    """What Grafana adds by itself is no change."""
    push(stub)
    stub.requests.clear()
    assert push(stub).outcome is Outcome.SAME
    assert [method for method, *_ in stub.requests] == ["GET", "GET"]


@pytest.mark.parametrize("is_old", [False, True], ids=["Grafana 11", "Grafana 10"])
def test_what_we_saved_last_is_brought_up_to_date(stub, is_old):
    """A newer genotel has other panels."""
    stub.is_old = is_old
    push(stub)
    assert push(stub, {**BOARD, "title": "Y"}).outcome is Outcome.UPDATED
    assert stub.boards["genotel-x"]["title"] == "Y"


def test_what_somebody_changed_is_kept(stub):
    """Their message stands on the newest version."""
    push(stub)
    stub.boards["genotel-x"]["title"] = "mine"
    stub.messages["genotel-x"] = "made it mine"
    assert push(stub).outcome is Outcome.KEPT
    assert stub.boards["genotel-x"]["title"] == "mine"
    assert push(stub, overwrite=True).outcome is Outcome.UPDATED
    assert stub.boards["genotel-x"]["title"] == "X"


def test_a_token_goes_with_every_question(stub, tmp_path):
    """Read from its file."""
    (tmp_path / "token").write_text("secret\n")
    push(stub, access={"bearer_token_file": tmp_path / "token"})
    assert {authorization for *_, authorization in stub.requests} == {"Bearer secret"}


def test_an_unreadable_token_is_one_line(stub, tmp_path):
    """It names the file."""
    with pytest.raises(InputError, match="the bearer token cannot be read"):
        push(stub, access={"bearer_token_file": tmp_path / "none"})


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"message": "Unauthorized"}, "401 Unauthorized: the token is not known; give that of a service account"),
        (403, {"message": "Access denied"}, "needs the role Editor"),
        (404, b"<html>", "no Grafana answers there; check the address and its path prefix"),
        (400, {"message": "Cannot save provisioned dashboard"}, "it comes from a file of Grafana's provisioning"),
        (302, b"", "302: it sends elsewhere"),
        (500, ["odd"], ": 500"),
        (200, b"<html>", "the answer is not Grafana's"),
    ],
)
def test_a_refusal_says_what_to_do(stub, status, body, said):
    """One line with the address."""
    stub.answer = (status, body)
    with pytest.raises(ServerError) as caught:
        push(stub)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{stub.url}/api/folders/genotel: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:{port}", "nothing answers there; check the address and whether Grafana runs"),
        ("https://{stub}", "the secure connection failed"),
    ],
)
def test_a_grafana_that_is_not_there_is_one_line(stub, url, said):
    """Wrong port, or plain where it should be secure."""
    stub.url = url.format(port=free_port(), stub=stub.url.removeprefix("http://"))
    with pytest.raises(ServerError, match=said):
        push(stub)


def test_each_is_told_when_it_is_done(stub):
    """So that a later failure hides nothing."""
    told = []
    boards = {name: json.dumps({**BOARD, "uid": name}) for name in ("b", "a")}
    push_all(Grafana(ServerAccess(url=stub.url)), boards, FOLDER, "1", tell=told.append)
    assert [pushed.uid for pushed in told] == ["a", "b"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (urllib3.exceptions.NameResolutionError("x", None, OSError()), "no such host"),
        (urllib3.exceptions.ReadTimeoutError(None, "x", "x"), "no answer within 30 seconds"),
        (urllib3.exceptions.ProtocolError("x"), "the answer broke off"),
    ],
)
def test_what_breaks_on_the_way_is_one_line(stub, monkeypatch, error, said):
    """Names, time limits, connections."""

    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(urllib3.PoolManager, "request", broken)
    with pytest.raises(ServerError, match=said):
        push(stub)


def test_certificates_that_are_not_there_are_told(stub, tmp_path):
    """Before anything is asked."""
    with pytest.raises(InputError, match="no such file"):
        push(stub, access={"ca_file": tmp_path / "none"})
