"""The exceptions that genotel raises on its reading side and at start-up.

::

    GenotelError                    exit code 2
    ├── SettingsError               a setting, a key of genotel.toml or a variable is wrong
    ├── InputError                  a file that the user named cannot be read as asked
    │   └── JournalError            a journal is missing, corrupt, too new or refused
    └── ServerError                 exit code 3: a server could not be reached or refused

The emitting side never lets one of these reach user code; see :mod:`genotel.guard`.
"""

from __future__ import annotations

from typing import ClassVar


class GenotelError(Exception):
    """Be the root of every error that genotel raises on purpose.

    The text is one line that says what happened, what was expected and what to do next.

    Example:
        >>> issubclass(ServerError, GenotelError), ServerError.exit_code
        (True, 3)
    """

    exit_code: ClassVar[int] = 2


class SettingsError(GenotelError):
    """Refuse settings, naming the key, variable or argument of each mistake.

    Example:
        >>> str(SettingsError("port is 70000", "unknown key page.prot"))
        'port is 70000; unknown key page.prot'
    """

    def __init__(self, *mistakes: str) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


class InputError(GenotelError):
    """Refuse input that the user named, with its file and line where known.

    Example:
        >>> str(InputError("not a number", file="events.csv", line=3))
        'events.csv:3: not a number'
    """

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        place = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        super().__init__(place + message)
        self.file = file
        self.line = line


class JournalError(InputError):
    """Refuse a journal file that is missing, corrupt, too new or on a network filesystem."""


class ServerError(GenotelError):
    """Report a server that could not be reached or that refused the question.

    The message carries what was asked (URL and query), what came back and what to do next.
    """

    exit_code: ClassVar[int] = 3
