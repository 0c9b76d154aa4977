"""The journal of this machine: its size, and when each model in it was last used.

While the exporter runs, it says in the journal that somebody is watching; so days on which no
program ran are known to be days without use, not days without telemetry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genotel.collectors.collector import NoData, Reading
from genotel.errors import JournalError
from genotel.semconv.model_metrics import LAST_USED
from genotel.semconv.self_metrics import JOURNAL_SIZE
from genotel.settings import Settings

# A machine without a journal does not load sqlite3.
if TYPE_CHECKING:
    from genotel.journal.writer import JournalWriter

# The last used first; a page is no place for more.
MAX_MODELS = 500


class JournalCollector:
    """Read the journal that the settings name; without one there is nothing to measure."""

    name = "journal"

    def __init__(self) -> None:
        self._writer: JournalWriter | None = None

    def configure(self, settings: Settings) -> None:
        """Open the journal of the settings and say that somebody is watching.

        Raises:
            JournalError: the file is refused; see :class:`genotel.journal.writer.JournalWriter`.
        """
        path = settings.journal.journal
        if path is None:
            return
        from genotel.journal.writer import JournalWriter

        self._writer = JournalWriter(path, retention_days=settings.export.retention_days)
        self._writer.watch()

    def collect(self) -> Iterator[Reading]:
        """Yield the size of the journal, and the last use of its models.

        Raises:
            NoData: no journal is named, or it is not made yet.
        """
        if self._writer is None:
            raise NoData
        from genotel.journal.reader import JournalReader

        try:
            with JournalReader(self._writer.path) as reader:
                known = reader.label_sets(limit=MAX_MODELS)
        except JournalError as error:
            if self._writer.path.exists():
                raise
            raise NoData from error
        yield JOURNAL_SIZE, (), self._writer.size_bytes()
        last_used: dict[str, float] = {}
        for use in known:
            last_used[use.model] = max(use.last_used, last_used.get(use.model, 0.0))
        for model, moment in last_used.items():
            yield LAST_USED, (model,), moment

    def close(self) -> None:
        """Stop watching."""
        if self._writer is not None:
            self._writer.close()
