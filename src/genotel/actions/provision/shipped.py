"""The files that come with genotel: dashboards, routes, data sources; from the wheel or from a checkout."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from genotel.errors import InputError

_CHECKOUT = Path(__file__).resolve().parents[4]


def shipped(folder: str) -> Traversable:
    """Return ``grafana`` or ``alerting-rules`` as it came with genotel.

    Raises:
        InputError: this installation has none.
    """
    for place in (files("genotel") / "provisioning" / folder, _CHECKOUT / folder):
        if place.is_dir():
            return place
    raise InputError(f"this installation of genotel came without its folder {folder}; install it again")


def shipped_text(path: str) -> str:
    """Return the text of one shipped file, by its path: ``alerting-rules/alertmanager/messages.tmpl``."""
    folder, _, rest = path.partition("/")
    place = shipped(folder)
    for part in rest.split("/"):
        place = place / part
    return place.read_text(encoding="utf-8")


def shipped_dashboards() -> Iterator[tuple[str, str]]:
    """Yield the file name and text of every dashboard, by name."""
    folder = shipped("grafana") / "dashboards"
    for place in sorted(folder.iterdir(), key=lambda one: one.name):
        if place.name.endswith(".json"):
            yield place.name, place.read_text(encoding="utf-8")
