"""Versions that are known, names that are there."""

from __future__ import annotations

import logging

import pytest

import genotel
from genotel.autoinstrument.instrumentor import LibraryInstrumentor
from genotel.autoinstrument.patching import Patch


def passing(original):
    """Return a function that only passes on."""

    def call(*args, **kwargs):
        return original(*args, **kwargs)

    return call


def llama(versions=("0", "99999"), distributions=("not-installed",), name="create_completion"):
    """Return an instrumentor of the stand-in for llama.cpp."""
    return LibraryInstrumentor(
        "llama_cpp", distributions, versions, (Patch("llama_cpp.llama", "Llama", name, passing),)
    )


@pytest.mark.parametrize(
    ("versions", "is_measured"),
    [(("8", "99999"), True), (("99998", "99999"), False), (("0", "1"), False)],
    ids=["known", "older", "newer"],
)
def test_only_versions_that_are_known(load, caplog, versions, is_measured):
    """Outside of the range there is one line, and hands off."""
    instrumentor = llama(versions, distributions=("not-installed", "pytest"))
    kind = load("llama_cpp.llama").Llama
    before = vars(kind)["create_completion"]
    instrumentor.instrument()
    assert (vars(kind)["create_completion"] is not before) is is_measured
    assert len([each for each in caplog.records if "is not one of the versions" in each.message]) == (not is_measured)
    instrumentor.uninstrument()
    assert vars(kind)["create_completion"] is before


def test_what_is_not_there_is_one_line(load, caplog):
    """A function that a later version took away costs only itself."""
    caplog.set_level(logging.WARNING, "genotel")
    instrumentor = llama(name="create_poem")
    instrumentor.instrument()
    load("llama_cpp.llama")
    assert [each.getMessage() for each in caplog.records] == [
        "genotel: this version of llama_cpp has no Llama.create_poem; it is not measured"
    ]
    assert len(instrumentor.patches) == 0
    instrumentor.uninstrument()


def test_what_others_wrapped_since_is_theirs(load):
    """Ours below it only passes on."""
    genotel.instrument("llama_cpp")
    kind = load("llama_cpp.llama").Llama
    ours = vars(kind)["create_completion"]

    def theirs(self, *args, **kwargs):
        return ours(self, *args, **kwargs)

    kind.create_completion = theirs
    genotel.uninstrument("llama_cpp")
    assert vars(kind)["create_completion"] is theirs
    assert kind("x").create_completion("hi")["choices"]


def test_a_name_that_is_no_function_is_left_alone(load):
    """A property, say."""
    kind = load("llama_cpp.llama").Llama
    kind.create_poem = property(lambda self: 1)
    instrumentor = llama(name="create_poem")
    instrumentor.instrument()
    assert isinstance(vars(kind)["create_poem"], property)
    instrumentor.uninstrument()
