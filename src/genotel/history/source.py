"""The one thing that a source of history can do."""

from __future__ import annotations

from typing import Protocol

from genotel.history.usage import UsageHistory


class HistorySource(Protocol):
    """Be asked for the whole history that a place holds."""

    def load_usage(self) -> UsageHistory:
        """Return the history, empty where nothing was ever used.

        Raises:
            InputError: the file cannot be read as asked; one line naming file and line.
            ServerError: the server could not be reached or refused.
        """
        ...
