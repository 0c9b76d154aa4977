"""Advice as one HTML page: to read on a phone, to print, to send on. It loads nothing and runs nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import ClassVar

from genotel.recommenders.advice import Advice
from genotel.recommenders.recommendation import Priority, Recommendation
from genotel.report.report import Page
from genotel.report.sentences import absences, evidence, heading, more, nothing, saving
from genotel.report.wording import duration, one_line, size, sureness, timestamp

# Past this a browser takes seconds to lay the tables out.
MAX_ROWS = 1000
_NAMED = 50

_STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c2126; --soft: #59636e; --line: #d5dae0; --tint: #f4f6f8;
  --high: #b3261e; --medium: #8a5a00; --low: #59636e; --bar: #2563a8; }
@media (prefers-color-scheme: dark) { :root { --page: #14181c; --ink: #e4e8ec; --soft: #9aa5b1; --line: #343c45;
  --tint: #1d232a; --high: #ff8a80; --medium: #f0b95b; --low: #9aa5b1; --bar: #6ea8e0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 72rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .25rem; }
p { margin: .25rem 0; } .soft { color: var(--soft); font-size: .9rem; }
.said { border-left: 3px solid var(--medium); padding-left: .75rem; }
.sums { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; padding: 0; list-style: none; }
.sums li { background: var(--tint); border-radius: 6px; padding: .5rem .9rem; }
.sums b { display: block; font-size: 1.25rem; line-height: 1.3; }
table { border-collapse: collapse; width: 100%; margin-top: .5rem; }
th, td { padding: .55rem .75rem .55rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; font-size: .85rem; white-space: nowrap; }
td p:first-child { margin-top: 0; }
.n { text-align: right; white-space: nowrap; } td.model { font-weight: 600; }
.high { color: var(--high); font-weight: 600; } .medium { color: var(--medium); font-weight: 600; }
.low { color: var(--low); }
meter { display: block; width: 5rem; height: .5rem; margin-left: auto; }
details { margin-top: .25rem; } summary { cursor: pointer; color: var(--soft); font-size: .9rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 .75rem; margin: .25rem 0; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; }
@media (min-width: 861px) {
  table { table-layout: fixed; } th { width: 6.5rem; } th:first-child { width: 24%; } th:last-child { width: auto; }
}
@media (max-width: 860px) {
  table, tbody, tr, td { display: block; } thead { position: absolute; left: -9999px; }
  tr { border-bottom: 1px solid var(--line); padding: .6rem 0; }
  td, td.n { border: 0; padding: .1rem 0; text-align: left; }
  td:empty { display: none; }
  td[data-name]::before { content: attr(data-name) " "; color: var(--soft); font-weight: 400; }
  meter { display: inline-block; margin: 0 0 0 .5rem; vertical-align: middle; }
}
@media print { :root { color-scheme: light; --page: #fff; --ink: #000; --soft: #444; --line: #bbb; --tint: #fff;
  --high: #000; --medium: #000; --low: #000; } body { max-width: none; padding: 0; font-size: 10pt; }
  tr { break-inside: avoid; } h2 { break-after: avoid; }
  details::details-content { content-visibility: visible; height: auto; } }
"""
# The page may use its own style and nothing else, should anything ever slip through the escaping.
_POLICY = "default-src 'none'; style-src 'sha256-" + (
    base64.b64encode(hashlib.sha256(_STYLE.encode("utf-8")).digest()).decode("ascii") + "'"
)


class HtmlReport:
    """Write advice as a page of its own: light and dark, narrow and wide, on paper too."""

    name: ClassVar[str] = "html"

    def render(self, advice: Advice, page: Page) -> str:
        """Return the page, of the first thousand pieces of advice."""
        return "\n".join(_lines(advice, page)) + "\n"


def _lines(advice: Advice, page: Page) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>Advice from {_text(advice.source)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield f"<header>\n<h1>Advice</h1>\n<p>{_text(heading(advice))}</p>"
    yield f'<p class="soft">Made at {timestamp(page.generated_at)}.</p>\n</header>\n<main>'
    for note in advice.notes:
        yield f'<p class="said">Note: {_text(note)}</p>'
    if advice.recommendations:
        yield _sums(advice)
    else:
        yield f"<p>{nothing(advice)}</p>"
    shown = advice.recommendations[:MAX_ROWS]
    for kind, entries in groupby(shown, key=lambda entry: entry.kind):
        yield from _section(kind, advice.methods.get(kind), entries)
    left = more(advice, len(shown))
    if left:
        yield f"<p>{left}</p>"
    if advice.withheld:
        yield from _absences(advice)
    yield "</main>\n</body>\n</html>"


def _sums(advice: Advice) -> str:
    entries = advice.recommendations
    counts = [(str(sum(entry.priority is rank for entry in entries)), f"{rank} priority") for rank in Priority]
    # Several things about one model may save the same bytes and seconds: the most of each model counts.
    sizes: dict[str, int] = {}
    waits: dict[str, float] = {}
    for entry in entries:
        sizes[entry.model] = max(sizes.get(entry.model, 0), entry.saving.bytes or 0)
        waits[entry.model] = max(waits.get(entry.model, 0.0), entry.saving.seconds_per_day or 0.0)
    freed, seconds = sum(sizes.values()), sum(waits.values())
    if freed:
        counts.append((size(freed), "to free"))
    if seconds:
        counts.append((duration(seconds), "saved a day"))
    items = "".join(f"<li><b>{value}</b> {name}</li>" for value, name in counts)
    return f'<ul class="sums">{items}</ul>'


def _section(kind: str, method: str | None, entries: Iterator[Recommendation]) -> Iterator[str]:
    yield f"<section>\n<h2>{_text(kind.capitalize())}</h2>"
    if method:
        yield f'<p class="soft">Probabilities: {_text(method)}.</p>'
    yield (
        '<table>\n<thead><tr><th>Model</th><th>Priority</th><th class="n">Sure</th><th class="n">Saves</th>'
        "<th>Why</th></tr></thead>\n<tbody>"
    )
    yield from map(_row, entries)
    yield "</tbody>\n</table>\n</section>"


def _row(entry: Recommendation) -> str:
    rank, sure, saved = entry.priority.value, entry.confidence, saving(entry)
    figures = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in evidence(entry))
    saves = f'<td class="n" data-name="Saves">{saved}</td>' if saved else '<td class="n"></td>'
    return (
        f'<tr><td class="model">{_text(entry.model)}</td><td class="{rank}" data-name="Priority">{rank}</td>'
        f'<td class="n" data-name="Sure">{sureness(sure)}<meter min="0" max="1" value="{sure:.4f}"></meter></td>{saves}'
        f"<td><p>{_text(entry.reason)}</p>"
        f'<p class="soft">Would change it: {_text(entry.reason_code.would_change)}</p>'
        + (f"<details><summary>Evidence</summary><dl>{figures}</dl></details>" if figures else "")
        + "</td></tr>"
    )


def _absences(advice: Advice) -> Iterator[str]:
    names: dict[tuple[str, str], list[str]] = {}
    for entry in advice.withheld:
        names.setdefault((entry.kind, entry.reason_code.value.replace("_", " ")), []).append(entry.model)
    yield "<section>\n<h2>No advice</h2>"
    yield (
        '<table>\n<thead><tr><th>Advice</th><th>Reason</th><th class="n">Models</th><th>What would change it</th></tr>'
        "</thead>\n<tbody>"
    )
    for absence in absences(advice):
        models = names[absence.kind, absence.reason]
        left = f" and {len(models) - _NAMED} more" if len(models) > _NAMED else ""
        named = ", ".join(map(_text, models[:_NAMED])) + left
        yield (
            f'<tr><td>{_text(absence.kind)}</td><td>{_text(absence.reason)}</td><td class="n" data-name="Models">'
            f"{absence.models}</td><td>{_text(absence.would_change)}"
            f"<details><summary>Which</summary>{named}</details></td></tr>"
        )
    yield "</tbody>\n</table>\n</section>"


def _text(text: str) -> str:
    return escape(one_line(text))
