"""Content goes to the span of its call where the user asked for it, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import genotel
from genotel.instrumentation.content import CAPTURE, MAX_CHARACTERS, messages
from genotel.semconv import attributes as a
from tests.observed import lenient, observing

SECRET = "hunter2-geheim"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have content asked for."""
    monkeypatch.setattr(CAPTURE, "is_on", True)


def test_what_was_given_and_made_stands_on_the_span(asked: None) -> None:
    """In the form of the conventions, and not on the page or in the journal's row."""
    with observing() as observed:
        with genotel.generation("content-1", prompt="a cat") as call:
            call.content(output=["a picture of a cat", b"pixels"])
        page = observed.text() + observed.openmetrics()
    attributes = observed.spans[0].attributes
    assert attributes is not None
    assert json.loads(str(attributes[a.INPUT_MESSAGES])) == [
        {"role": "user", "parts": [{"type": "text", "content": "a cat"}]}
    ]
    assert json.loads(str(attributes[a.OUTPUT_MESSAGES])) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "a picture of a cat"}]}
    ]
    assert "a cat" not in page
    assert "picture" not in repr(observed.sink.finished)


def test_nothing_is_written_unless_asked() -> None:
    """Whatever the program hands over."""
    with observing() as observed, genotel.generation("content-2", prompt=SECRET) as call:
        call.content(input=SECRET, output=SECRET)
    assert SECRET not in observed.spans[0].to_json()


def test_content_after_the_end_or_without_a_call_is_dropped(asked: None) -> None:
    """As with every other note."""
    genotel.current_generation().content(input=SECRET)
    with observing() as observed:
        with genotel.generation("content-3") as call:
            pass
        call.content(input=SECRET)
    assert SECRET not in observed.spans[0].to_json()


def test_hostile_content_stays_our_fault(asked: None) -> None:
    """The user's call goes on."""

    class Hostile(dict[str, str]):
        def get(self, *_: object) -> str:  # type: ignore[override]  # on purpose
            raise RuntimeError(SECRET)

    with lenient(), observing() as observed, genotel.generation("content-4") as call:
        call.content(input=[Hostile(role="user")])
    assert SECRET not in observed.spans[0].to_json()


def test_chats_keep_their_roles() -> None:
    """Parts with a text are kept, pictures between them are not."""
    chat = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": "…"}],
        },
        {"role": 7, "content": "no role"},
        {"role": "user"},
    ]
    found = json.loads(messages(chat, "user") or "")
    assert [(message["role"], [part["content"] for part in message["parts"]]) for message in found] == [
        ("system", ["Be brief."]),
        ("user", ["What is this?"]),
        ("user", ["no role"]),
    ]


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=50) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["role", "content", "text"]), inner),
    max_leaves=12,
)


@given(VALUES)
def test_any_content_is_bounded_json_or_nothing(content: object) -> None:
    """Texts together never exceed the bound."""
    text = messages(content, "user")
    if text is not None:
        parts = [part["content"] for message in json.loads(text) for part in message["parts"]]
        assert parts
        assert 0 < sum(map(len, parts)) <= MAX_CHARACTERS


def test_long_texts_are_cut() -> None:
    """The first of them stay."""
    found = json.loads(messages(["a" * (MAX_CHARACTERS - 1), "bcd", "e"], "user") or "")
    assert [message["parts"][0]["content"][-1] for message in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("word", "is_on"),
    [("span_only", True), ("SPAN_AND_EVENT", True), ("true", True), ("event_only", False), ("NO_CONTENT", False)],
)
def test_the_standard_variable_decides(word: str, is_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """For programs that are configured by it."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", word)
    with genotel.configure(page=False):
        assert CAPTURE.is_on is is_on
    monkeypatch.delenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT")
    with genotel.configure(page=False):
        assert not CAPTURE.is_on


def test_another_word_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Rather than guessed."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "spans")
    with pytest.raises(genotel.errors.SettingsError, match="span_only"):
        genotel.configure(page=False)
