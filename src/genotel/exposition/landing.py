"""The page for people who open the exporter's address in a browser: what this is and where to go."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from http import HTTPStatus

from genotel.exposition.answer import Answer
from genotel.version import __version__

_STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}dt{margin-top:1rem}"


@cache
def landing_page(links: tuple[tuple[str, str], ...]) -> Answer:
    """Return the landing page.

    Args:
        links: paths and what is found there, in the order to show.

    Nothing is loaded from elsewhere, and the content security policy says so.

    Example:
        >>> b'<a href="/metrics">' in landing_page((("/metrics", "The metrics."),)).body
        True
    """
    rows = "".join(
        f'<dt><a href="{escape(path)}">{escape(path)}</a></dt><dd>{escape(text)}</dd>' for path, text in links
    )
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>genotel</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>genotel</h1><p>Version {escape(__version__)}</p><dl>{rows}</dl></body></html>\n"
    )
    style_hash = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("Referrer-Policy", "no-referrer"),
    )
    return Answer(HTTPStatus.OK, headers, body.encode())
