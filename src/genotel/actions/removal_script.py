r"""Write a shell script that removes models: to be read, kept, and run by hand; without ``--yes`` it only tells.

Every path is quoted, whatever it holds; each is removed from within its folder, which must be the one it was,
and only while it is the same file or folder. The script deletes: for a way back use ``--apply``.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable

from genotel.actions.apply import Plan, Result
from genotel.report.wording import size, sureness, timestamp
from genotel.version import __version__

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_HEAD = """\
#!/bin/sh
# Removes models that are unlikely to be used again. Read it before you run it.
# Without an argument it only says what it would do; with --yes it deletes, and there is no way back:
# `genotel recommend --apply` moves to a trash instead.
# Made by genotel {version} at {time} from {source}.
set -u
set -f
LC_ALL=C
export LC_ALL
really=no
case "${{1-}}" in
  '') ;;
  --yes) really=yes ;;
  *) printf 'usage: %s [--yes]\\n' "$0" >&2; exit 2 ;;
esac
failed=0

# remove FOLDER NAME INODE: the folder must be no link and the entry the same as when this was written.
remove() {{
  if ! cd -P -- "$1" 2>/dev/null || [ "$PWD" != "$1" ]; then
    printf 'skipped, its folder is gone or another: %s/%s\\n' "$1" "$2" >&2; failed=1; return
  fi
  # Only the number is read; stat is not in POSIX.
  # shellcheck disable=SC2012
  inode=$(ls -di -- "./$2" 2>/dev/null | sed -n '1s/^ *\\([0-9][0-9]*\\) .*/\\1/p')
  if [ "$inode" != "$3" ]; then
    printf 'skipped, it is gone or another: %s/%s\\n' "$1" "$2" >&2; failed=1; return
  fi
  if command -v fuser >/dev/null 2>&1 && find "./$2" -type f -exec fuser {{}} + 2>/dev/null | grep -q .; then
    printf 'skipped, a process has it open: %s/%s\\n' "$1" "$2" >&2; failed=1; return
  fi
  if [ "$really" = yes ]; then
    if rm -rf -- "./$2"; then printf 'removed %s/%s\\n' "$1" "$2"; else failed=1; fi
  else
    printf 'would remove %s/%s\\n' "$1" "$2"
  fi
}}
"""

_TAIL = """
if [ "$really" = no ]; then
  printf '%s\\n' 'Nothing was removed. Run it with --yes to remove this.'
fi
exit "$failed"
"""


def removal_script(planned: Iterable[Plan | Result], source: str, now: float) -> str:
    """Return the script; what is not removed stands in it as a comment with its reason.

    Paths of bytes that are no text carry them as surrogates: write it with ``os.fsencode``.

    Args:
        planned: of :func:`genotel.actions.apply.plan`.
        source: what the advice was read from.
        now: Unix time.
    """
    lines = [_HEAD.format(version=__version__, time=timestamp(now), source=in_a_comment(source))]
    total = 0
    for entry in planned:
        if isinstance(entry, Result):
            lines.append(f"\n# {in_a_comment(entry.model)} stays: {in_a_comment(entry.detail)}.")
            continue
        removal, advice = entry.removal, entry.advice
        total += removal.freed_bytes
        lines.append(
            f"\n# {in_a_comment(removal.model)} in {in_a_comment(removal.location)}: frees "
            f"{size(removal.freed_bytes)}; {sureness(advice.confidence)} sure ({advice.priority.value})."
            f"\n# {in_a_comment(advice.reason)}"
        )
        lines += [f"# Stays, since another model has it too: {in_a_comment(path)}" for path in removal.kept]
        for part in removal.entries:
            folder, name = os.path.split(os.path.join(removal.root, part.path))
            lines.append(f"remove {shlex.quote(folder)} {shlex.quote(name)} {part.inode}")
    lines.append(f"\n# In all: {size(total)}.")
    return "\n".join(lines) + _TAIL


def in_a_comment(text: str) -> str:
    r"""Return a text that cannot end a comment: what is no plain character is a question mark.

    Example:
        >>> in_a_comment("a\nrm -rf ~")
        'a?rm -rf ~'
    """
    return _CONTROLS.sub("?", text)
