"""Every layout of a stack there is. A test fails when one of them is not in the table of the documents."""

from __future__ import annotations

from collections.abc import Callable

from genotel.actions.provision.compose import compose
from genotel.actions.provision.fleet import fleet
from genotel.actions.provision.kubernetes import kubernetes
from genotel.actions.provision.machine import machine
from genotel.actions.provision.programs import Find
from genotel.actions.provision.stack import Provisioned, Stack
from genotel.errors import SettingsError

LAYOUTS: dict[str, Callable[[Stack, Find], Provisioned]] = {
    "machine": machine,
    "fleet": fleet,
    "compose": compose,
    "kubernetes": kubernetes,
}


def layout_named(name: str) -> Callable[[Stack, Find], Provisioned]:
    """Return the layout of a name.

    Raises:
        SettingsError: there is none of it; the text lists those there are.
    """
    try:
        return LAYOUTS[name]
    except KeyError:
        raise SettingsError(f"unknown layout {name!r}; the layouts are {', '.join(LAYOUTS)}") from None
