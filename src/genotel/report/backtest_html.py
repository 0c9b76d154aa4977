"""A backtest as one HTML page with plots, readable without a network."""

from __future__ import annotations

from html import escape

from genotel.analysis.scoring import ReliabilityBin
from genotel.recommenders.backtest import Backtest
from genotel.recommenders.policies import AUTO, CLAIRVOYANT, LRU
from genotel.recommenders.preload_backtest import CapacityResult
from genotel.report.backtest_text import (
    cleanup_in_words,
    gap_in_words,
    loads_in_words,
    next_hour_in_words,
    room_in_words,
)
from genotel.report.wording import date, duration

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .1rem .8rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr.auto { font-weight: bold; }
svg { max-width: 100%; } svg text { font: 11px system-ui, sans-serif; fill: currentColor; }
:root { color-scheme: light dark; }
"""
_COLORS = {LRU: "#888", AUTO: "#06c"}
_BAR_WIDTH, _BAR_HEIGHT = 420, 16
_SIDE, _MARGIN = 220, 40


def backtest_html(result: Backtest) -> str:
    """Return a backtest as a page of its own; plots are SVG inside of it."""
    start, end = result.window
    parts = [
        f"<h1>Backtest on {escape(result.source)}</h1>",
        f"<p>{date(start)} to {date(end)}: {result.models} models, {result.uses} uses. Judged from day "
        f"{result.evaluate_from_day} on; {escape(loads_in_words(result))}. Only clairvoyant looks ahead.</p>",
    ]
    for capacity in result.preload.capacities:
        parts.append(f"<h2>Room for {escape(room_in_words(capacity))}</h2><p>{escape(gap_in_words(capacity))}.</p>")
        parts += [_bars(capacity), _table(capacity)]
    parts.append(f"<h2>Use in the next hour</h2><p>{escape(next_hour_in_words(result))}</p>")
    if result.preload.next_hour is not None:
        parts.append(_reliability(result.preload.next_hour.bins))
    for cleanup in result.cleanup:
        parts.append(f"<h2>No use within {cleanup.horizon_days:g} days</h2><p>{escape(cleanup_in_words(cleanup))}.</p>")
        parts.append(_reliability(cleanup.bins))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>genotel backtest</title>'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _bars(capacity: CapacityResult) -> str:
    costs = sorted(capacity.policies.items(), key=lambda entry: (entry[1].cold_start_fraction, entry[0]))
    most = max(cost.cold_start_fraction for _, cost in costs) or 1.0
    height = _BAR_HEIGHT * len(costs)
    rows = []
    for index, (name, cost) in enumerate(costs):
        top = index * _BAR_HEIGHT
        width = _BAR_WIDTH * cost.cold_start_fraction / most
        color = _COLORS.get(name, "#9bd" if name != CLAIRVOYANT else "#4a4")
        rows.append(
            f'<text x="150" y="{top + 12}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="156" y="{top + 2}" width="{width:.1f}" height="{_BAR_HEIGHT - 4}" fill="{color}"/>'
            f'<text x="{160 + width:.1f}" y="{top + 12}">{100 * cost.cold_start_fraction:.1f} %</text>'
        )
    return (
        f'<svg viewBox="0 0 640 {height}" width="640" height="{height}" role="img" '
        f'aria-label="Share of uses with a cold start, by policy">{"".join(rows)}</svg>'
    )


def _table(capacity: CapacityResult) -> str:
    rows = [
        f'<tr class="{"auto" if name == AUTO else ""}"><td>{escape(name)}</td>'
        f"<td>{100 * cost.cold_start_fraction:.2f} %</td><td>{cost.preloads_per_day:.1f}</td>"
        f"<td>{cost.demand_loads_per_day:.1f}</td><td>{duration(cost.load_seconds)}</td></tr>"
        for name, cost in capacity.policies.items()
    ]
    head = "<tr><th>policy</th><th>cold starts</th><th>preloads a day</th><th>loads a day</th><th>waited</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _reliability(bins: tuple[ReliabilityBin, ...]) -> str:
    """Return a plot of what was said (right) and what came (up); on the line both are the same."""
    most = max(part.n for part in bins)
    dots = "".join(
        f'<circle cx="{_MARGIN + _SIDE * part.mean_probability:.1f}" cy="{_SIDE * (1 - part.share) + 8:.1f}" '
        f'r="{2 + 6 * (part.n / most) ** 0.5:.1f}" fill="#06c" fill-opacity="0.7">'
        f"<title>said {part.mean_probability:.3f}, came {part.share:.3f}, n {part.n}</title></circle>"
        for part in bins
    )
    edge = f'x="{_MARGIN}" y="8" width="{_SIDE}" height="{_SIDE}"'
    return (
        f'<svg viewBox="0 0 {_SIDE + 2 * _MARGIN} {_SIDE + _MARGIN}" width="{_SIDE + 2 * _MARGIN}" role="img" '
        f'aria-label="Reliability: what was said and what came"><rect {edge} fill="none" stroke="#888"/>'
        f'<line x1="{_MARGIN}" y1="{_SIDE + 8}" x2="{_MARGIN + _SIDE}" y2="8" stroke="#888"/>{dots}'
        f'<text x="{_MARGIN}" y="{_SIDE + 24}">said: 0 to 1</text><text x="2" y="20">came</text></svg>'
    )
