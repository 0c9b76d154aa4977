"""Send the dashboards to a Grafana that runs, by its HTTP API, without losing what people changed there.

A version that we saved carries our message; whoever saved one after that has changed the dashboard, and it
is kept unless that is overruled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, SSLError

from genotel.errors import InputError, ServerError
from genotel.prometheus_api.access import ServerAccess

_MESSAGE = "genotel "
_SECONDS = 30.0
# What Grafana adds by itself; everything else is ours or somebody's.
_GRAFANAS_OWN = ("id", "version", "iteration")


class Outcome(StrEnum):
    """Say what became of a dashboard."""

    CREATED = "created"
    UPDATED = "updated"
    SAME = "the same"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Pushed:
    """Hold one dashboard: its uid, what became of it, and its address."""

    uid: str
    outcome: Outcome
    url: str


class Grafana:
    """Ask one Grafana.

    Args:
        access: its address with its path prefix, and how it is proven who asks.

    Raises:
        InputError: the file of the authorities' certificates is not there.
    """

    def __init__(self, access: ServerAccess) -> None:
        if access.ca_file is not None and not access.ca_file.is_file():
            raise InputError("no such file", file=str(access.ca_file))
        self._access = access
        self._pool = urllib3.PoolManager(
            retries=False,
            timeout=_SECONDS,
            ca_certs=None if access.ca_file is None else str(access.ca_file),
        )

    def ensure_folder(self, uid: str, title: str) -> None:
        """Make a folder where there is none of that uid.

        Raises:
            ServerError: Grafana cannot be reached or refuses.
            InputError: the file of the token cannot be read.
        """
        if self._ask("GET", f"/api/folders/{uid}", absent_is_fine=True) is None:
            self._ask("POST", "/api/folders", {"uid": uid, "title": title})

    def push(self, dashboard: Mapping[str, Any], folder: str, version: str, *, overwrite: bool = False) -> Pushed:
        """Create a dashboard, bring it up to date, or keep what somebody changed.

        Args:
            dashboard: in Grafana's classic model, with its uid.
            folder: uid of the folder.
            version: of genotel, for the list of versions.
            overwrite: whether what somebody changed is lost.

        Raises:
            ServerError: Grafana cannot be reached or refuses.
            InputError: the file of the token cannot be read.
        """
        uid = str(dashboard["uid"])
        there = self._ask("GET", f"/api/dashboards/uid/{uid}", absent_is_fine=True)
        if there is not None:
            url = self._access.shown + str(there.get("meta", {}).get("url", f"/d/{uid}"))
            if _content(there.get("dashboard", {})) == _content(dashboard):
                return Pushed(uid, Outcome.SAME, url)
            if not overwrite and not self._is_ours(uid):
                return Pushed(uid, Outcome.KEPT, url)
        body = {
            "dashboard": {**dashboard, "id": None},
            "folderUid": folder,
            "message": f"{_MESSAGE}{version}",
            "overwrite": True,
        }
        answer = self._ask("POST", "/api/dashboards/db", body) or {}
        outcome = Outcome.CREATED if there is None else Outcome.UPDATED
        return Pushed(uid, outcome, self._access.shown + str(answer.get("url", f"/d/{uid}")))

    def _is_ours(self, uid: str) -> bool:
        """Return whether we saved the newest version."""
        answer = self._ask("GET", f"/api/dashboards/uid/{uid}/versions?limit=1")
        # Grafana 11 put the list into an object.
        versions = answer.get("versions", []) if isinstance(answer, dict) else answer
        return bool(versions) and str(versions[0].get("message", "")).startswith(_MESSAGE)

    def _ask(self, method: str, path: str, body: Any = None, *, absent_is_fine: bool = False) -> Any:
        url = f"{self._access.shown}{path}"
        headers = {"Accept": "application/json", "User-Agent": "genotel", **self._access.request_headers()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._pool.request(
                method, url, body=None if body is None else json.dumps(body), headers=headers, redirect=False
            )
        except (HTTPError, OSError) as error:
            raise ServerError(f"{url}: {_reason(error)}") from error
        if answer.status == 404 and absent_is_fine and _json(answer.data) is not None:
            return None
        if answer.status != 200:
            raise ServerError(f"{url}: {_refusal(answer.status, answer.data)}")
        said = _json(answer.data)
        if said is None:
            raise ServerError(f"{url}: the answer is not Grafana's; check the address and its path prefix")
        return said


def push_all(
    grafana: Grafana,
    dashboards: Mapping[str, str],
    folder: tuple[str, str],
    version: str,
    *,
    overwrite: bool = False,
    tell: Callable[[Pushed], None] = lambda pushed: None,
) -> list[Pushed]:
    """Push every dashboard into one folder, told one by one.

    Args:
        grafana: where to.
        dashboards: JSON by file name.
        folder: its uid and its title.
        version: of genotel.
        overwrite: whether what somebody changed is lost.
        tell: is given each that is done, so that a later failure hides nothing.

    Raises:
        ServerError: Grafana cannot be reached or refuses.
    """
    grafana.ensure_folder(*folder)
    done = []
    for _, text in sorted(dashboards.items()):
        pushed = grafana.push(json.loads(text), folder[0], version, overwrite=overwrite)
        tell(pushed)
        done.append(pushed)
    return done


def _content(dashboard: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in dashboard.items() if key not in _GRAFANAS_OWN}


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _refusal(status: int, data: bytes) -> str:
    said = _json(data)
    text = str(said.get("message", "")) if isinstance(said, dict) else ""
    words = f"{status}" + (f" {' '.join(text.split())[:200]}" if text else "")
    if status == 401:
        return f"{words}: the token is not known; give that of a service account by --token-file or GRAFANA_TOKEN"
    if status == 403:
        return f"{words}: the token may not do that; its service account needs the role Editor"
    if status == 404:
        return f"{words}: no Grafana answers there; check the address and its path prefix"
    if status == 400 and "provisioned" in text:
        return f"{words}: it comes from a file of Grafana's provisioning; change the file, or take it out there"
    if status in {301, 302, 307, 308}:
        return f"{words}: it sends elsewhere; give the address that it leads to"
    return words


def _reason(error: BaseException) -> str:
    if isinstance(error, SSLError):
        return "the secure connection failed; a server with its own authority needs --ca-file"
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "no such host; check the address"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "nothing answers there; check the address and whether Grafana runs"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return f"no answer within {_SECONDS:g} seconds"
    return f"the answer broke off ({type(error).__name__})"
