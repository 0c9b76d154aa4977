"""Choose the format and the coding of an answer from what the client says that it takes.

Quality values and specificity count as RFC 9110 §12.5 says; versions and ``escaping`` as
Prometheus' page on content negotiation says. Headers come from strangers: nothing in them raises,
and what cannot be read is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from genotel.exposition.format import Format
from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.protobuf import PROTOBUF
from genotel.exposition.text_format import TEXT_0_0_4, TEXT_1_0_0

# What a client gets that asks for nothing in particular, or for nothing that we have.
FALLBACK: Format = TEXT_0_0_4
# Best first: this order decides between formats that the client wants equally and by name. The
# content types of the 1.0.0 formats carry `escaping=underscores`, whichever escaping was asked for,
# since no name of ours needs another.
FORMATS: tuple[Format, ...] = (PROTOBUF, OPENMETRICS_1_0_0, TEXT_1_0_0, TEXT_0_0_4)

# text/plain without a version has always meant 0.0.4; the other types without one mean any.
_IMPLIED_VERSIONS = {"text/plain": "0.0.4"}

# An open quote runs to the end, so that matching stays linear in the length of the header.
_QUOTED_OR_NOT = r'(?:[^"{0}]|"(?:[^"\\]|\\.)*(?:"|\\?\Z))+'
_LIST_ITEMS = re.compile(_QUOTED_OR_NOT.format(","), re.DOTALL)
_PARAMETERS = re.compile(_QUOTED_OR_NOT.format(";"), re.DOTALL)
_QUALITY = re.compile(r"[0-9]{0,9}\.?[0-9]{0,9}")


class _Range(NamedTuple):
    """One entry of an Accept or Accept-Encoding header."""

    name: str
    parameters: Mapping[str, str]
    quality: float


# A server asks with the same header at every scrape.
@lru_cache(maxsize=16)
def negotiate(accept: str) -> Format:
    """Return the format that an Accept header wants most; text 0.0.4 where it wants none of ours.

    Example:
        >>> negotiate("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3").name
        'openmetrics'
        >>> negotiate("application/openmetrics-text;q=0, */*").content_type
        'text/plain; version=0.0.4; charset=utf-8'
    """
    ranges = _ranges(accept)
    best, best_rank = FALLBACK, (0.0, -1, 0)
    for preference, offered in enumerate(reversed(FORMATS)):
        specificity, quality = -1, 0.0
        for entry in ranges:
            matched = _specificity(entry, offered)
            if matched > specificity:
                specificity, quality = matched, entry.quality
        # Behind a wildcard there is no wish for a format: the fallback comes first.
        rank = (quality, specificity, preference if specificity > _WILDCARD else -preference)
        if quality > 0 and rank > best_rank:
            best, best_rank = offered, rank
    return best


@lru_cache(maxsize=16)
def wants_gzip(accept_encoding: str) -> bool:
    """Return whether an Accept-Encoding header prefers gzip to the plain body.

    Example:
        >>> wants_gzip("gzip, deflate"), wants_gzip("*;q=0.5, gzip;q=0"), wants_gzip("identity, gzip;q=0.5")
        (True, False, False)
    """
    qualities = {entry.name: entry.quality for entry in reversed(_ranges(accept_encoding))}
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


_WILDCARD = 1


def _specificity(entry: _Range, offered: Format) -> int:
    """Return 0 for ``*/*``, 1 for ``type/*``, 2 for the type, 3 with its version; -1 for no match."""
    kind, version, needed = _OFFERED[offered.content_type]
    if entry.name == kind:
        if any(entry.parameters.get(key) != value for key, value in needed.items()):
            # Of protobuf there are other messages, and other ways to follow each other.
            return -1
        asked = entry.parameters.get("version", "")
        if asked:
            return 3 if asked == version else -1
        return 2 if _IMPLIED_VERSIONS.get(kind, version) == version else -1
    if entry.name == kind.partition("/")[0] + "/*":
        return _WILDCARD
    return 0 if entry.name == "*/*" else -1


def _ranges(header: str) -> list[_Range]:
    """Return the readable entries of a header; the first of several equal ones counts."""
    ranges = []
    for item in _LIST_ITEMS.findall(header):
        name, *rest = _PARAMETERS.findall(item) or [""]
        parameters: dict[str, str] = {}
        for parameter in rest:
            key, _, value = parameter.partition("=")
            parameters.setdefault(key.strip().lower(), value.strip().strip('"'))
        quality = _quality(parameters.pop("q", "1"))
        name = name.strip().lower()
        if name and quality is not None:
            ranges.append(_Range(name, parameters, quality))
    return ranges


def _quality(text: str) -> float | None:
    """Return a quality value from 0 to 1, or None where it is none."""
    if not _QUALITY.fullmatch(text) or text in ("", "."):
        return None
    return min(1.0, float(text))


# Without these parameters a type is another one.
_NEEDED = ("proto", "encoding")


def _offered(content_type: str) -> tuple[str, str, dict[str, str]]:
    """Return the type, its version, and the parameters that must be asked for."""
    (entry,) = _ranges(content_type)
    needed = {key: entry.parameters[key] for key in _NEEDED if key in entry.parameters}
    return entry.name, entry.parameters.get("version", ""), needed


_OFFERED = {offered.content_type: _offered(offered.content_type) for offered in FORMATS}
