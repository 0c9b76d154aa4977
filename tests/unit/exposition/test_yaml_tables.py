"""YAML as nested tables of texts, with a line for every mistake."""

from __future__ import annotations

import os

import pytest

from genotel.errors import SettingsError
from genotel.exposition.yaml_tables import MAX_BYTES, MAX_MISTAKES, Mistakes, Table, read_file, read_table


@pytest.fixture
def read(tmp_path):
    """Return a reader of texts: the top table and the mistakes, the file's name cut off."""

    def parse(text):
        path = tmp_path / "web.yml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        mistakes = Mistakes("web.yml")
        return read_table(path, mistakes), mistakes

    return parse


def said(mistakes):
    """Return what the mistakes say."""
    with pytest.raises(SettingsError) as refused:
        mistakes.refuse()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_values_are_texts_whatever_they_look_like(read):
    """No boolean from ``no``, no number, no date, no null from what stands in quotes."""
    top, mistakes = read("a: no\nb: 1_0\nc: 2001-99-99\nd: 'null'\ne: true\nf: [1, on]\n")
    assert [top.text(key) for key in "abcd"] == ["no", "1_0", "2001-99-99", "null"]
    assert top.boolean("e") is True
    assert top.texts("f") == ("1", "on")
    mistakes.refuse()


def test_what_is_empty_or_null_is_absent(read):
    """As for the programs that the format comes from."""
    top, mistakes = read("a:\nb: ~\nc: null\nd: ''\ne: {}\n")
    assert [top.text(key) for key in "abcd"] == [None] * 4
    assert top.boolean("a") is None
    assert top.texts("b") == ()
    assert (top.table("c").keys, top.table("e").keys, top.table("nowhere").keys) == ((), (), ())
    top.refuse_the_rest()
    mistakes.refuse()


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n...\n", "null"])
def test_an_empty_file_is_an_empty_table(read, text):
    """And no mistake."""
    top, mistakes = read(text)
    assert top.keys == ()
    assert len(mistakes) == 0


@pytest.mark.parametrize(
    ("text", "ask", "says"),
    [
        ("a: [1]", lambda top: top.text("a"), "web.yml:1: a: expected a text"),
        ("\na: {b: 1}", lambda top: top.texts("a"), "web.yml:2: a: expected a list of texts"),
        ("a: [1, [2]]", lambda top: top.texts("a"), "web.yml:1: a: expected a list of texts"),
        ("a: [1, ~]", lambda top: top.texts("a"), "web.yml:1: a: expected a list of texts"),
        ("a: maybe", lambda top: top.boolean("a"), "web.yml:1: a: is 'maybe': expected true or false"),
        ("a: 5", lambda top: top.table("a"), "web.yml:1: a: expected a table of keys and values"),
        ("a: {b: {c: 5}}", lambda top: top.table("a").table("b").refuse_the_rest(), "web.yml:1: a.b.c: unknown key"),
        ("a: 1\nb: 2\na: 3", lambda top: None, "web.yml:3: a: is there twice"),
        ("? [a]\n: 1", lambda top: None, "has a key that is no text"),
        ("- 1", lambda top: None, "web.yml:1: expected a table of keys and values"),
        ("5", lambda top: None, "expected a table of keys and values"),
        ('"two\\nlines": 1', lambda top: top.refuse_the_rest(), r"'two\nlines': unknown key"),
        ("a: &a {b: *a}", lambda top: top.refuse_the_rest(), "a: unknown key"),
    ],
)
def test_a_mistake_names_its_line_and_key(read, text, ask, says):
    """One line, however odd the key."""
    top, mistakes = read(text)
    ask(top)
    assert says in said(mistakes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1", "web.yml:1: is not YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\nb: *secret", "web.yml:2: is not YAML: found undefined alias …"),
        ("\ta: 1", "cannot start any token"),
        ("a: 1\n---\nb: 2", "web.yml:2: is not YAML: but found another document"),
        ("a: \x01", "has bytes or signs that are not allowed"),
        (b"a: \xff\xfe", "has bytes or signs that are not allowed"),
        ("[" * 3000, "is nested deeper"),
        ("- " * 3000, "is nested deeper"),
        ("a: " + "x" * MAX_BYTES, "cannot be read: it is larger than 256 KiB"),
    ],
)
def test_what_is_no_yaml_is_one_mistake_without_a_piece_of_it(read, text, says):
    """The parser's own words, but nothing that it quotes from the file."""
    top, mistakes = read(text)
    assert top.keys == ()
    assert says in said(mistakes)
    assert "secret" not in said(mistakes)


def test_a_file_that_is_not_there_is_a_mistake(tmp_path):
    """With the system's reason."""
    mistakes = Mistakes("web.yml")
    read_table(tmp_path / "nothing", mistakes)
    assert said(mistakes) == "web.yml: cannot be read: No such file or directory"


def test_a_pipe_is_not_waited_for(tmp_path):
    """Nor a folder read."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match="regular file"):
            read_file(path)


def test_many_mistakes_are_still_one_line_that_can_be_read():
    """The rest is counted."""
    mistakes = Mistakes("web.yml")
    for number in range(MAX_MISTAKES + 3):
        mistakes.add(f"key{number}", "is wrong")
    assert said(mistakes).count(";") == MAX_MISTAKES
    assert said(mistakes).endswith("; and 3 more mistakes")


def test_what_cannot_be_printed_is_spelled_out():
    """A path may have a line's end in it."""
    mistakes = Mistakes("web.yml")
    mistakes.add("cert_file", "a\nb\x1f\u2028: No such file")
    assert said(mistakes) == r"web.yml: cert_file: a\nb\x1f\u2028: No such file"


def test_a_table_that_is_not_there_has_no_line():
    """What it lacks is still told, by its name."""
    mistakes = Mistakes("web.yml")
    Table("section", None, mistakes).wrong("key", "is missing")
    assert said(mistakes) == "web.yml: section.key: is missing"
