"""A driver library of NVIDIA's that a test can tell what to say; built with gcc, no card needed."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from tests.conftest import require

SOURCE = Path(__file__).parent / "fixtures" / "fake_nvml" / "fake_nvml.c"
STATE_VARIABLE = "FAKE_NVML_STATE"


@cache
def built(*, old: bool = False) -> str:
    """Return the path of the library; the old one lacks the functions that drivers got later."""
    gcc = require(shutil.which("gcc"), "gcc")
    library = Path(mkdtemp(prefix="genotel-fake-nvml-")) / "libnvidia-ml.so.1"
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-pthread"]
    variant = ["-DOLD_DRIVER"] if old else []
    # The loader takes libraries of one name for the same one: so pynvml, which knows the name only, gets ours.
    name = ["-Wl,-soname,libnvidia-ml.so.1"]
    subprocess.run([gcc, *flags, *variant, *name, "-o", library, SOURCE], check=True, timeout=60)
    return str(library)


class FakeDriver:
    """Be the cards of a box: what they say is a text of ``key = value`` lines.

    Args:
        state: the file that the library reads whenever it changed.
        base: lines that stay.
    """

    def __init__(self, state: Path, base: str = "") -> None:
        self.library = built()
        self._state = state
        self._base = base
        self.say("")

    def say(self, lines: str) -> None:
        """Let the library say these lines after the base, from its next call on."""
        new = self._state.with_suffix(".new")
        new.write_text(f"{self._base}\n{lines}\n", encoding="utf-8")
        os.replace(new, self._state)
