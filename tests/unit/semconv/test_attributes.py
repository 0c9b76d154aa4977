"""Attribute keys are well formed, and our own carry our name."""

from __future__ import annotations

import re

from genotel.semconv import attributes

# The semantic conventions' roots that we follow; everything else begins with genotel.
UPSTREAM = (
    *("gen_ai", "error", "exception", "cpu", "system", "disk", "network", "process", "container", "hw", "db"),
    *("service", "otel"),
)


def _keys() -> dict[str, str]:
    # A key has a namespace; values of closed sets and the scope have none.
    return {
        name: value
        for name, value in vars(attributes).items()
        if name.isupper() and isinstance(value, str) and "." in value and "/" not in value
    }


def test_keys_are_lower_case_words_with_dots() -> None:
    """The naming rules of the semantic conventions."""
    for key in _keys().values():
        assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*\.?", key), key


def test_every_key_is_upstream_s_or_ours() -> None:
    """A key of nobody's namespace would one day clash."""
    for key in _keys().values():
        assert key.split(".")[0] in {*UPSTREAM, "genotel"}, key


def test_no_key_has_two_names() -> None:
    """One word per thing."""
    keys = list(_keys().values())
    assert len(set(keys)) == len(keys)


def test_closed_sets_have_no_value_twice() -> None:
    """Each value of a closed set is one series that is born at 0."""
    for values in (attributes.OUTCOMES, attributes.PHASES, attributes.EVENTS, attributes.TOKEN_TYPES):
        assert len(set(values)) == len(values)
