"""Whether NVIDIA's driver library is here: asked of the loader's files, without loading it.

Loading it to find out would bring it, its memory and its faults into this process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

NAME = "libnvidia-ml.so.1"
_CACHE = "/etc/ld.so.cache"
_FOLDERS = (
    "/lib",
    "/usr/lib",
    "/lib64",
    "/usr/lib64",
    # Debian's folders of one architecture, where a container is given the host's library.
    f"/usr/lib/{os.uname().machine}-linux-gnu" if sys.platform == "linux" else "/usr/lib",
)


def nvml_library(
    environ: Mapping[str, str] | None = None, cache: str = _CACHE, folders: Sequence[str] = _FOLDERS
) -> str | None:
    """Return what to load: a path, or the bare name where the loader's cache knows it; None if absent.

    Args:
        environ: read for ``LD_LIBRARY_PATH``; the process's own by default.
        cache: the loader's cache.
        folders: searched last, as the loader does.

    Example:
        >>> nvml_library({}, "/nowhere/cache", ["/nowhere"]) is None
        True
    """
    environ = os.environ if environ is None else environ
    for folder in filter(None, environ.get("LD_LIBRARY_PATH", "").split(":")):
        if os.path.exists(path := os.path.join(folder, NAME)):
            return path
    try:
        with open(cache, "rb") as file:
            # Names in the cache end with a zero byte, as strings of C do.
            if NAME.encode() + b"\0" in file.read():
                return NAME
    except OSError:
        pass  # systems without glibc have no cache
    for folder in folders:
        if os.path.exists(path := os.path.join(folder, NAME)):
            return path
    return None
