"""A stack refuses what could not stand in a configuration, all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.actions.provision.stack import Stack
from genotel.errors import SettingsError

FOLDER = Path("/etc/genotel")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("targets", ("gpu-1",), "--target 'gpu-1' is no host:port"),
        ("targets", ("gpu-1:99999",), "is no host:port"),
        ("programs", ('a:1"]}',), "--program"),
        ("remote_write", "ftp://x/", "--remote-write 'ftp://x/' is no URL"),
        ("remote_write", "http://[x", "is no URL"),
        ("query_url", "http://a b/", "--query-url"),
        ("grafana_url", "grafana", "--grafana 'grafana' is no URL"),
        ("store", "influx", "is none of prometheus, mimir, thanos, victoria-metrics"),
        ("scrape_interval", "fast", "is no duration, such as 15s"),
        ("tenant", "a b", "no tenant may have"),
        ("image", "two words", "is no name of an image"),
    ],
)
def test_a_value_that_is_none_is_named(key, value, said):
    """One line says which option it was."""
    with pytest.raises(SettingsError) as caught:
        Stack(folder=FOLDER, **{key: value})
    assert said in str(caught.value)


def test_all_mistakes_are_told_at_once():
    """Nobody mends one after the other."""
    with pytest.raises(SettingsError) as caught:
        Stack(folder=FOLDER, targets=("a", "b"), store="x")
    assert len(caught.value.mistakes) == 3


@pytest.mark.parametrize("target", ["127.0.0.1:1", "[::1]:9464", "gpu-1.example.com:9464"])
def test_addresses_are_accepted(target):
    """Names, and both kinds of numbers."""
    assert Stack(folder=FOLDER, targets=(target,)).targets == (target,)


@given(st.text(max_size=20))
def test_no_text_breaks_out_of_a_url(text):
    """Whatever is accepted has no line end and no blank."""
    try:
        stack = Stack(folder=FOLDER, remote_write=f"http://host/{text}")
    except SettingsError:
        return
    assert stack.remote_write is not None
    assert not any(character.isspace() for character in stack.remote_write)


def test_runbooks_are_those_of_the_folder_unless_told_otherwise():
    """A link of an alert leads somewhere."""
    assert Stack(folder=FOLDER).runbooks_at == "/etc/genotel/runbooks"
    assert Stack(folder=FOLDER, runbooks="https://wiki/x").runbooks_at == "https://wiki/x"
