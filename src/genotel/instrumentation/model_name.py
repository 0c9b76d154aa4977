"""The name of a model as it may be exported: without the path or address that it was loaded from."""

from __future__ import annotations

import re

MAX_LENGTH = 200
# A path of this machine or an address; "org/name", as on the hub, is a name.
_PLACE = re.compile(r"^(?:/|\\|\.{1,2}[/\\]|~|[A-Za-z]:[/\\]|[A-Za-z][A-Za-z0-9+.-]*://)")


def model_name(given: object) -> str:
    """Return the name of a model, of a path or address only its last part.

    Example:
        >>> model_name("Wan-AI/Wan2.2-T2V-A14B"), model_name("/home/ann/secret/sdxl.safetensors")
        ('Wan-AI/Wan2.2-T2V-A14B', 'sdxl.safetensors')
    """
    name = str(given)
    if _PLACE.match(name):
        name = re.split(r"[?#]", name, maxsplit=1)[0] if "://" in name else name
        name = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    return name[:MAX_LENGTH]
