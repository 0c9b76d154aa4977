"""Errors say where, belong to one tree, and carry the exit code that the door ends with."""

from __future__ import annotations

import pytest

from genotel import errors


@pytest.mark.parametrize(
    ("file", "line", "text"),
    [
        (None, None, "not a number"),
        ("events.csv", None, "events.csv: not a number"),
        ("events.csv", 3, "events.csv:3: not a number"),
        (None, 3, "not a number"),
    ],
)
def test_an_input_error_names_its_place(file: str | None, line: int | None, text: str) -> None:
    """File and line stand before the message, and stay readable as attributes."""
    error = errors.InputError("not a number", file=file, line=line)
    assert (str(error), error.file, error.line) == (text, file, line)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.GenotelError, 2),
        (errors.SettingsError, 2),
        (errors.InputError, 2),
        (errors.JournalError, 2),
        (errors.ServerError, 3),
    ],
)
def test_every_error_has_its_exit_code(kind: type[errors.GenotelError], code: int) -> None:
    """2 is wrong usage or unreadable input, 3 is a server that could not be reached or refused."""
    assert issubclass(kind, errors.GenotelError)
    assert kind.exit_code == code


def test_the_tree_in_the_docstring_names_every_error() -> None:
    """The drawing at the top of the file is the map; it must not rot."""
    kinds = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)]
    assert kinds
    assert [name for name in kinds if name not in (errors.__doc__ or "")] == []
