"""How long Prometheus takes for all panels of a dashboard over 24 h, and for the recording rules: 50 models, 8 GPUs.

Run it (about ten minutes, 2 GB of disk below TMPDIR): ``python -m benchmarks.dashboards``; ``--hours 0.5`` for a look.
A day at 15 s of every series that the panels and rules ask for is put into Prometheus by promtool; then each query is
asked as Grafana would on a screen of 1,920 pixels, one after the other, as a range.
"""

from __future__ import annotations

import argparse
import http.server
import json
import math
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from genotel.dashboards.dashboard import Dashboard, Look, Panel
from genotel.dashboards.registry import DASHBOARDS
from genotel.rules.registry import GROUPS
from genotel.semconv import attributes as a
from genotel.semconv.spec import label_name
from tests.servers import RealPrometheus, fetch, free_port, wait_for
from tests.whole_catalogue import VALUES, families

SCRAPE, SCREEN = 15, 1920
MODELS = tuple(f"model-{number:02d}" for number in range(50))
CARDS = tuple(f"GPU-{number}" for number in range(8))
RULES = Path(__file__).resolve().parent.parent / "alerting-rules"


def asked_names() -> set[str]:
    """Return the names of series that queries of panels and rules ask for."""
    texts = [query.text for board in DASHBOARDS for panel in board.panels() for query in panel.queries]
    texts += [rule.query for group in GROUPS for rule in group.rules]
    return set(re.findall(r"[A-Za-z_:][\w:]*", " ".join(texts)))


def placed(labels: dict[str, str]) -> dict[str, str] | None:
    """Return the labels of a series that there is: each model runs on one card, and five are in an experiment."""
    model, card = labels.get(label_name(a.MODEL)), labels.get(label_name(a.HARDWARE_ID))
    if model in MODELS:
        if card is not None and MODELS.index(model) % len(CARDS) != CARDS.index(card):
            return None
        if model not in MODELS[:5]:
            left_out = {label_name(a.EXPERIMENT), label_name(a.VARIANT)}
            return {key: value for key, value in labels.items() if key not in left_out}
    return labels


def lines(start: int, end: int, names: set[str], zero: int) -> Iterator[str]:
    """Yield OpenMetrics of the series that are asked for, from one time to another."""
    VALUES[a.MODEL], VALUES[a.HARDWARE_ID] = MODELS, CARDS
    moments = range(start, end, SCRAPE)
    for family, kind, rows in families(end, busy=True):
        wanted = [(name, placed(labels), *rest) for name, labels, *rest in rows if name in names]
        wanted = [row for row in wanted if row[1] is not None]
        if wanted:
            yield f"# TYPE {family} {kind}\n"
        for name, labels, first, growth in wanted:
            inside = ",".join(f'{key}="{value}"' for key, value in labels.items() if value)
            series = f"{name}{{{inside}}}" if inside else name
            grown = growth / SCRAPE
            yield "".join([f"{series} {first + grown * (moment - zero):.12g} {moment}\n" for moment in moments])
    yield "# EOF\n"


def fill(folder: Path, begin: int, end: int) -> None:
    """Write blocks of a day, two hours at a time."""
    names = asked_names()
    for start in range(begin, end, 7200):
        file = folder / "history.txt"
        with file.open("w", encoding="utf-8") as text:
            text.writelines(lines(start, min(start + 7200, end), names, begin))
        # Without this it would read the text again for every two hours of the clock.
        command = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=24h", "openmetrics"]
        subprocess.run([*command, file, folder / "data"], check=True, capture_output=True)
        file.unlink()


def window(panel: Panel, hours: float) -> tuple[int, int]:
    """Return step and rate window, in seconds, as Grafana chooses them for a panel."""
    pixels = SCREEN * panel.width // 24
    step = max(SCRAPE, math.ceil(hours * 3600 / pixels / SCRAPE) * SCRAPE)
    return step, max(step + SCRAPE, 4 * SCRAPE)


def seconds_of(server: RealPrometheus, board: Dashboard, panel: Panel, end: float, hours: float) -> float:
    """Return the processor's time that Prometheus takes for the queries of a panel."""
    step, rate = window(panel, hours)
    # A list without "all" begins with its first value.
    chosen = {variable.name: MODELS[0] for variable in board.variables if not variable.has_all}
    before = processor_seconds(server._process.pid)
    for query in panel.queries:
        text = query.text.replace("$__rate_interval", f"{rate}s").replace("$__range", f"{hours * 3600:.0f}s")
        text = re.sub(r"\$(job|instance|model|experiment|gpu)\b", lambda word: chosen.get(word[1], ".*"), text)
        url = f"{server.url}/api/v1/query?" + urllib.parse.urlencode({"query": text, "time": end})
        if panel.look is not Look.TABLE:
            asked = {"query": text, "start": end - hours * 3600, "end": end, "step": step}
            url = f"{server.url}/api/v1/query_range?" + urllib.parse.urlencode(asked)
        assert json.loads(fetch(url, timeout=300))["status"] == "success"
    return processor_seconds(server._process.pid) - before


def processor_seconds(pid: int) -> float:
    """Return the time that a program has taken of all processors."""
    # Not the clock's: on a machine that others use, too, that says how busy they are.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def time_dashboards(folder: Path, end: float, hours: float) -> None:
    """Print a row for each dashboard; every panel is asked twice, the second time from warm memory."""
    with RealPrometheus(folder) as server:
        series = server.query('count({__name__=~".+"})', end)[0][1]
        print(f"{series:.0f} series, {hours:g} h at {SCRAPE} s; seconds of one processor")
        print("| dashboard | panels | queries | first time | second time | slowest panel |")
        print("|---|---|---|---|---|---|", flush=True)
        for board in DASHBOARDS:
            rounds = [
                {panel.title: seconds_of(server, board, panel, end, hours) for panel in board.panels()}
                for _ in range(2)
            ]
            slowest = max(rounds[1], key=rounds[1].__getitem__)
            queries = sum(len(panel.queries) for panel in board.panels())
            print(
                f"| {board.uid} | {len(board.panels())} | {queries} | {sum(rounds[0].values()):.2f}"
                f" | {sum(rounds[1].values()):.2f} | {slowest}: {rounds[1][slowest]:.2f} |",
                flush=True,
            )


def main() -> None:
    """Fill a Prometheus, ask it, and print a row for each dashboard and one for the rules."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--data", type=Path, help="folder that keeps the history for the next run")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = asked.data or Path(name)
        folder.mkdir(exist_ok=True)
        known = folder / "end"
        if not known.exists():
            end = int(time.time())
            fill(folder, end - int(asked.hours * 3600), end)
            known.write_text(str(end), encoding="utf-8")
        time_dashboards(folder, int(known.read_text(encoding="utf-8")), asked.hours)
        time_rules(folder)


def time_rules(folder: Path) -> None:
    """Print what the rules cost while the same series go on."""
    rules = folder / "rules"
    shutil.copytree(RULES, rules, dirs_exist_ok=True)
    path = folder / "prometheus.yml"
    with page() as address:
        target = f'static_configs: [{{targets: ["{address}"]}}]'
        scraping = f"scrape_configs:\n  - job_name: genotel-box\n    honor_labels: true\n    {target}\n"
        head = f"global: {{evaluation_interval: {SCRAPE}s, scrape_interval: {SCRAPE}s}}\n"
        for what, text in (("scrapes", head), ("scrapes and rules", f'{head}rule_files: ["{rules}/*.yaml"]\n')):
            path.write_text(text + scraping, encoding="utf-8")
            with Server(folder, path) as server:
                server.report(what)


@contextmanager
def page() -> Iterator[str]:
    """Serve the same series as they go on, since rules look at now; yield host and port."""
    names = asked_names()
    begin = int(time.time())

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            now = int(time.time()) // SCRAPE * SCRAPE
            text = "".join(lines(now, now + 1, names, begin - 86400))
            body = re.sub(r" \d+$", "", text, flags=re.MULTILINE).replace("# EOF\n", "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Server:
    """Run Prometheus on the same data with a configuration."""

    def __init__(self, folder: Path, configuration: Path) -> None:
        self._folder, self._configuration = folder, configuration
        self._url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={self._configuration}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                "--storage.tsdb.retention.time=15d",
                f"--web.listen-address={self._url.removeprefix('http://')}",
                "--log.level=error",
            ]
        )
        wait_for("Prometheus to be ready", lambda: fetch(f"{self._url}/-/ready"), 120)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(60)

    def report(self, what: str, settle: float = 45, seconds: float = 90) -> None:
        """Print the processor's time of the whole program, and each group's last evaluation."""
        time.sleep(settle)
        before, begin = processor_seconds(self._process.pid), time.monotonic()
        time.sleep(seconds)
        share = (processor_seconds(self._process.pid) - before) / (time.monotonic() - begin)
        groups = json.loads(fetch(f"{self._url}/api/v1/rules"))["data"]["groups"]
        rules = sum(len(group["rules"]) for group in groups)
        print(f"{what} every {SCRAPE} s: {share:.1%} of one core, {rules} rules", flush=True)
        for group in sorted(groups, key=lambda group: -group["evaluationTime"]):
            print(f"  {group['name']}: {group['evaluationTime'] * 1000:.1f} ms every {group['interval']:g} s")
        faults = [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"]
        print(f"  faults: {faults}", flush=True)


if __name__ == "__main__":
    main()
