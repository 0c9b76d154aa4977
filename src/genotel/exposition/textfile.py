"""The page of a job that ends before a scrape, as a file for node_exporter's textfile collector.

It is the page of the last run: what runs add up to is a spool's matter (``docs/workers.md``).
"""

from __future__ import annotations

import os
from pathlib import Path

from genotel import guard
from genotel.exposition.rendering import RenderedPage
from genotel.exposition.text_format import TEXT_0_0_4


def write_textfile(page: RenderedPage, path: Path | str) -> bool:
    """Write a page to a file, beside it first and then renamed; return whether it is there.

    A fault is one warning, and the program goes on.

    Args:
        page: ``configure().page``, say.
        path: of the file; node_exporter reads those that end in ``.prom``.

    Example:
        >>> import genotel, tempfile
        >>> with tempfile.TemporaryDirectory() as folder, genotel.configure(page=False) as handle:
        ...     genotel.write_textfile(handle.page, folder + "/nightly.prom")
        True
    """
    path = Path(path)
    # Not .prom: the collector must not read it before it is whole.
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with open(new, "wb") as file:
            file.write(page.render(TEXT_0_0_4))
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except Exception as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        guard.warn_once(
            "exposition.textfile", "genotel: the page was not written to a file (%s); the program goes on", reason
        )
        with guard.guarded("exposition.textfile"):
            new.unlink(missing_ok=True)
        return False
    return True
