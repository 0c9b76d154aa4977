"""Mistakes name their line."""

from __future__ import annotations

import pytest

from genotel.settings.toml_lines import line_of

TEXT = """\
# port = 1
export.retention_days = 7
spool = { spool = "/run" }
"gpu".gpu_pids = true

[page]
host = "::1"
port = 2  # of the page
[ collectors ]  # all
collectors = [
  "cpu",
]
[inventory.model_names]
"*.gguf" = "{stem}"
"""


@pytest.mark.parametrize(
    ("section", "key", "line"),
    [
        ("page", None, 6),
        ("page", "host", 7),
        ("page", "port", 8),
        ("collectors", "collectors", 10),
        ("export", "retention_days", 2),
        ("export", None, 2),
        ("spool", "spool", 3),
        ("gpu", "gpu_pids", 4),
        ("inventory", "model_names", 13),
        ("inventory", None, 13),
        ("advice", None, None),
        ("page", "colour", None),
    ],
)
def test_a_key_is_found_however_it_is_written(section: str, key: str | None, line: int | None) -> None:
    """Below its header, dotted, in a table on one line, as a table of its own; a comment is none."""
    assert line_of(TEXT, section, key) == line
