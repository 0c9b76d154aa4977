"""The page of a job that ends before a scrape, pushed to a Pushgateway.

A gateway keeps the page of the last push of a group: what runs add up to is a spool's matter
(``docs/workers.md``), and so is to forget jobs that are gone.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from genotel import guard
from genotel.exposition.rendering import RenderedPage
from genotel.exposition.text_format import TEXT_0_0_4

# 200 where the gateway has checked what it got, 202 where it has not.
_TAKEN = frozenset({200, 202})


def push_to_gateway(
    page: RenderedPage,
    url: str,
    *,
    job: str,
    grouping: Mapping[str, str] | None = None,
    timeout_seconds: float = 5.0,
) -> bool:
    """Push a page, replacing what was pushed for the same job and grouping; return whether it was taken.

    A fault is one warning, and the program goes on.

    Args:
        page: ``configure().page``, say.
        url: of the gateway: ``http://host:9091``, with a path and ``user:password@`` where it has them.
        job: the label ``job``.
        grouping: further labels, which tell this push from others.
        timeout_seconds: how long to wait each time that the gateway has to answer.
    """
    try:
        status = _put(url, group_path(job, grouping or {}), page.render(TEXT_0_0_4), timeout_seconds)
    except Exception as error:
        return _failed((error.strerror if isinstance(error, OSError) else None) or type(error).__name__)
    return status in _TAKEN or _failed(f"the gateway answered {status}")


def group_path(job: str, grouping: Mapping[str, str]) -> str:
    """Return the path of a group (Pushgateway README, "URL").

    Example:
        >>> group_path("nightly", {"instance": "gpu-1", "folder": "a/b", "empty": ""})
        '/metrics/job/nightly/empty@base64/=/folder@base64/YS9i/instance/gpu-1'
    """
    labels = {"job": job, **dict(sorted(grouping.items()))}
    return "/metrics" + "".join(f"/{_group_label(name, value)}" for name, value in labels.items())


def _group_label(name: str, value: str) -> str:
    if value and "/" not in value:
        return f"{name}/{quote(value, safe='')}"
    return f"{name}@base64/{base64.urlsafe_b64encode(value.encode()).decode() or '='}"


def _put(url: str, path: str, body: bytes, timeout_seconds: float) -> int:
    # Loaded by those who push: it costs more than all modules of a page.
    from http.client import HTTPConnection, HTTPSConnection

    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("a gateway's address begins with http:// or https://")
    headers = {"Content-Type": TEXT_0_0_4.content_type}
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=timeout_seconds)
    try:
        connection.request("PUT", parts.path.rstrip("/") + path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _failed(why: str) -> bool:
    guard.warn_once("exposition.push", "genotel: the page was not pushed (%s); the program goes on", why)
    return False
