"""Take over from the journal which models were in use, so that a restart forgets nothing."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from genotel import guard
from genotel.errors import JournalError
from genotel.instrumentation.models import restore_use

# Fewer than the cap of models, so that what a journal remembers never crowds out what is used now.
MAX_RESTORED = 200


def restore_uses(journal: Path, retention_days: float) -> None:
    """Let the counters of a journal's models be born at 0 again, and know when each was last used."""
    if not journal.exists():
        return
    # SQLite is loaded by those who keep a journal.
    from genotel.journal.reader import JournalReader

    since = time.time() - retention_days * 86_400
    # A journal that cannot be read is the writer's to speak of; one that another process is just
    # making has nothing to restore.
    with guard.guarded("startup.restore"), suppress(JournalError), JournalReader(journal) as reader:
        for known in reader.label_sets(since=since, limit=MAX_RESTORED):
            restore_use(known.operation, known.provider, known.model, known.last_used)
