"""Run a program with telemetry and its libraries measured, without a change to it.

``genotel run`` becomes this: ``python -m genotel.launch [NAME=VALUE …] -- SCRIPT [ARGUMENT …]``, or
``-- -m MODULE …``. The program finds itself as Python would have run it: ``__main__``, ``sys.argv`` and
``sys.path``.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence

from genotel.autoinstrument.registry import instrument
from genotel.errors import GenotelError
from genotel.startup import configure

_USAGE = 2


def main(words: Sequence[str]) -> int:
    """Run the program; return an exit code of ours only where it could not be begun.

    Args:
        words: settings as ``name=value``, then ``--``, then what ``python`` would be given.
    """
    end = words.index("--") if "--" in words else 0
    program = [*words[end + 1 :]]
    settings = dict(word.split("=", 1) for word in words[:end])
    is_module = program[:1] == ["-m"]
    if is_module:
        program = program[1:]
    if not program:
        return _refuse("nothing to run: name a script, or -m and a module")
    if not is_module and not os.path.exists(program[0]):
        return _refuse(f"{program[0]}: no such file")
    try:
        handle = configure(handle_signals=True, **settings)  # type: ignore[arg-type]  # parsed as a variable's text is
    except GenotelError as error:
        return _refuse(str(error), error.exit_code)
    if handle.url is not None:
        print(f"genotel: the metrics of this program are on {handle.url}", file=sys.stderr)  # noqa: T201
    instrument()
    sys.argv = program
    if is_module:
        sys.path.insert(0, os.getcwd())
        runpy.run_module(program[0], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, os.path.dirname(os.path.abspath(program[0])))
        runpy.run_path(program[0], run_name="__main__")
    return 0


def _refuse(reason: str, code: int = _USAGE) -> int:
    print(f"genotel: {reason}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
