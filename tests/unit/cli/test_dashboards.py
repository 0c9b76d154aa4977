"""``genotel dashboards push`` on the command line."""

from __future__ import annotations

import sys

import pytest

from genotel.actions.provision.shipped import shipped_dashboards
from genotel.cli.main import run
from tests.grafana_stub import stub

__all__ = ["stub"]


@pytest.fixture
def call(monkeypatch, capsys):
    """Return what calls the command and gives its exit code and streams."""

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["genotel", "dashboards", *arguments])
        with pytest.raises(SystemExit) as caught:
            run()
        shown = capsys.readouterr()
        return int(caught.value.code or 0), shown.out, shown.err

    return called


def test_every_dashboard_is_sent(call, stub, monkeypatch):
    """One line each, with the token of the environment."""
    monkeypatch.setenv("GRAFANA_TOKEN", "secret")
    code, out, err = call("push", "--grafana", stub.url, "--folder", "Models")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == len(list(shipped_dashboards()))
    assert f"genotel-gpu: created {stub.url}/d/genotel-gpu/x" in out
    assert stub.folders["genotel"]["title"] == "Models"
    assert {authorization for *_, authorization in stub.requests} == {"Bearer secret"}


def test_a_changed_dashboard_is_kept(call, stub):
    """Exit code 1."""
    call("push", "--grafana", stub.url)
    stub.boards["genotel-gpu"]["title"] = stub.messages["genotel-gpu"] = "mine"
    code, out, err = call("push", "--grafana", stub.url)
    assert code == 1
    assert "genotel-gpu: kept " in out
    assert "--overwrite writes over it" in err
    assert call("push", "--grafana", stub.url, "--overwrite")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pull",), "unknown action 'pull'; there is push"),
        (("push", "--grafana", "nowhere"), "is no address such as"),
    ],
)
def test_a_mistake_is_one_line(call, arguments, said):
    """Exit code 2."""
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
