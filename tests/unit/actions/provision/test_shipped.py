"""What comes with genotel is found in a checkout, and its absence is one clear line."""

from __future__ import annotations

import json

import pytest

from genotel.actions.provision import shipped as module
from genotel.actions.provision.shipped import shipped, shipped_dashboards, shipped_text
from genotel.errors import InputError


def test_every_dashboard_is_there():
    """By name, as JSON."""
    boards = list(shipped_dashboards())
    assert [name for name, _ in boards] == sorted(name for name, _ in boards)
    assert {"genotel-overview.json", "genotel-gpu.json"} <= {name for name, _ in boards}
    assert all(json.loads(text)["uid"] == name.removesuffix(".json") for name, text in boards)


def test_a_text_is_found_by_its_path():
    """The messages of Alertmanager, say."""
    assert 'define "genotel.title"' in shipped_text("alerting-rules/alertmanager/messages.tmpl")


def test_an_installation_without_them_says_so(monkeypatch, tmp_path):
    """And what to do."""
    monkeypatch.setattr(module, "_CHECKOUT", tmp_path)
    monkeypatch.setattr(module, "files", lambda name: tmp_path)
    with pytest.raises(InputError, match="came without its folder grafana; install it again"):
        shipped("grafana")
