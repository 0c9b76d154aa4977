"""The options of ``genotel serve``."""

from __future__ import annotations

import os
import sys

import pytest
from typer.testing import CliRunner

from genotel.cli.main import app
from genotel.cli.serve import path_flags
from genotel.errors import SettingsError


class BecomingError(Exception):
    """Stand for a process that is not this one any more."""


@pytest.fixture
def became(monkeypatch):
    """Return what the process became, instead of becoming it."""
    asked = []

    def execv(program, words):
        asked.append((program, words))
        raise BecomingError

    monkeypatch.setattr(os, "execv", execv)
    return asked


def test_the_options_are_handed_to_the_exporter(became):
    """Those that were given, and no others."""
    CliRunner().invoke(app, ["serve", "--port", "0", "--collectors", "cpu,disk"])
    CliRunner().invoke(app, ["serve", "--host", "::1"])
    assert [program for program, _ in became] == [sys.executable] * 2
    assert [words[words.index("-m") :] for _, words in became] == [
        ["-m", "genotel.collectors.exporter", "port=0", "collectors=cpu,disk"],
        ["-m", "genotel.collectors.exporter", "host=::1"],
    ]


@pytest.mark.parametrize(
    ("isolated", "path", "kept"),
    [(True, ["/folder"], ["-I"]), (False, ["/elsewhere/bin"], ["-P"]), (False, ["/folder", "/elsewhere"], [])],
)
def test_modules_are_looked_for_where_they_were_before(isolated, path, kept):
    """A working folder that happens to hold a ``http.py`` must not get into the exporter."""
    assert path_flags(isolated, "/folder", path) == kept


def test_where_a_process_cannot_be_replaced_it_serves_itself(monkeypatch):
    """The interpreter may have been moved away meanwhile."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    ended = CliRunner().invoke(app, ["serve", "--collectors", "discs"])
    assert ended.exit_code == 2
    assert "no collector named discs" in ended.stderr


def test_a_check_says_what_would_be_served(became):
    """On stdout, with exit code 0; the process becomes nothing."""
    ended = CliRunner().invoke(app, ["serve", "--check", "--port", "0", "--collectors", "cpu"])
    assert (ended.exit_code, became) == (0, [])
    assert "\ncollectors: cpu\n" in ended.stdout


def test_a_check_lists_every_mistake(became):
    """One a line on stderr, with the exit code of wrong usage."""
    ended = CliRunner().invoke(app, ["serve", "--check", "--port", "0", "--collectors", "disc,cpus"])
    assert (ended.exit_code, ended.stdout, became) == (2, "", [])
    assert ended.stderr.splitlines() == [
        "genotel: argument collectors: no collector named disc; did you mean disk?",
        "genotel: argument collectors: no collector named cpus; did you mean cpu?",
    ]


def test_the_options_of_prometheus_programs_are_handed_over(became):
    """By the names that they have there."""
    CliRunner().invoke(
        app, ["serve", "--web.config.file", "web.yml", "--web.listen-address", "[::1]:9100", "--web.systemd-socket"]
    )
    CliRunner().invoke(app, ["serve", "--web.listen-address", "unix:/run/page.sock"])
    assert [words[words.index("genotel.collectors.exporter") + 1 :] for _, words in became] == [
        ["host=::1", "port=9100", "web_config_file=web.yml", "web_systemd_socket=True"],
        ["host=unix:/run/page.sock"],
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--web.listen-address", "9100"], "'9100' is no address to listen on"),
        (["--web.listen-address", ":9100", "--port", "1"], "--web.listen-address stands for --host and --port"),
    ],
)
def test_a_wrong_address_is_one_clear_line(became, options, says):
    """Nothing is started."""
    with pytest.raises(SettingsError, match=says):
        CliRunner().invoke(app, ["serve", *options], catch_exceptions=False)
    assert became == []
