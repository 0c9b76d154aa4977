"""How long Prometheus takes for all panels of a dashboard over 24 h, and for the recording rules: 50 models, 8 GPUs.

Run it (about ten minutes, 2 GB of disk below TMPDIR): ``python -m benchmarks.dashboards``; ``--hours 2`` for a look.
A day at 15 s of every series that the panels and rules ask for is put into Prometheus by promtool; then each query is
asked as Grafana would on a screen of 1,920 pixels, one after the other, as a range.
"""

from __future__ import annotations

import argparse
import http.server
import json
import math
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genotel.dashboards.dashboard import Look, Panel
from genotel.dashboards.registry import DASHBOARDS
from genotel.rules.registry import GROUPS
from genotel.semconv import attributes as a
from genotel.semconv.spec import label_name
from tests.servers import RealPrometheus, free_port, wait_for
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


def is_placed(labels: dict[str, str]) -> bool:
    """Return whether a series of a model and a card is one that there is: each model runs on one card."""
    model, card = labels.get(label_name(a.MODEL)), labels.get(label_name(a.HARDWARE_ID))
    return model is None or card is None or MODELS.index(model) % len(CARDS) == CARDS.index(card)


def lines(start: int, end: int, names: set[str], zero: int) -> Iterator[str]:
    """Yield OpenMetrics of the series that are asked for, from one time to another."""
    VALUES[a.MODEL], VALUES[a.HARDWARE_ID] = MODELS, CARDS
    moments = range(start, end, SCRAPE)
    for family, kind, rows in families(end, busy=True):
        wanted = [row for row in rows if row[0] in names and is_placed(row[1])]
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


def range_seconds(server: RealPrometheus, panel: Panel, text: str, end: float, hours: float) -> float:
    """Return the time that one query takes."""
    step, rate = window(panel, hours)
    text = text.replace("$__rate_interval", f"{rate}s").replace("$__range", f"{hours * 3600:.0f}s")
    text = re.sub(r"\$(job|instance|model|experiment|gpu)\b", ".*", text)
    begin = time.perf_counter()
    if panel.look is Look.TABLE:
        server.api("query", query=text, time=str(end))
    else:
        server.api("query_range", query=text, start=str(end - hours * 3600), end=str(end), step=str(step))
    return time.perf_counter() - begin


def main() -> None:
    """Fill a Prometheus, ask it, and print a row for each dashboard and one for the rules."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24)
    hours = parser.parse_args().hours
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        end = int(time.time())
        fill(folder, end - int(hours * 3600), end)
        server = RealPrometheus(folder)
        path = folder / "prometheus.yml"
        shutil.copytree(RULES, folder / "rules")
        with server:
            series = server.query('count({__name__=~".+"})', end)[0][1]
            print(f"{series:.0f} series, {hours:g} h at {SCRAPE} s")
            print("| dashboard | panels | queries | first time (s) | second time (s) | slowest panel (s) |")
            print("|---|---|---|---|---|---|", flush=True)
            for board in DASHBOARDS:
                rounds = []
                for _ in range(2):
                    taken = {
                        panel.title: sum(
                            range_seconds(server, panel, query.text, end, hours) for query in panel.queries
                        )
                        for panel in board.panels()
                    }
                    rounds.append(taken)
                slowest = max(rounds[1], key=rounds[1].__getitem__)
                queries = sum(len(panel.queries) for panel in board.panels())
                print(
                    f"| {board.uid} | {len(board.panels())} | {queries} | {sum(rounds[0].values()):.2f}"
                    f" | {sum(rounds[1].values()):.2f} | {slowest}: {rounds[1][slowest]:.2f} |",
                    flush=True,
                )
        with page() as address:
            target = f'static_configs: [{{targets: ["{address}"]}}]'
            path.write_text(
                f"global: {{evaluation_interval: {SCRAPE}s, scrape_interval: {SCRAPE}s}}\n"
                f'rule_files: ["{folder}/rules/*.yaml"]\n'
                f"scrape_configs:\n  - job_name: genotel-box\n    honor_labels: true\n    {target}\n",
                encoding="utf-8",
            )
            with RealPrometheusWithRules(folder, path) as ruled:
                ruled.report()


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


class RealPrometheusWithRules:
    """Run Prometheus on the same data with every rule, and say what evaluating costs."""

    def __init__(self, folder: Path, configuration: Path) -> None:
        self._folder, self._configuration = folder, configuration
        self._port = free_port()

    def __enter__(self) -> RealPrometheusWithRules:
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={self._configuration}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                "--storage.tsdb.retention.time=15d",
                f"--web.listen-address=127.0.0.1:{self._port}",
                "--log.level=error",
            ]
        )
        wait_for("Prometheus to be ready", lambda: self._get("/-/ready"))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=10) as answer:
            body: bytes = answer.read()
            return body

    def _seconds(self) -> float:
        ticks = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(ticks[11]) + int(ticks[12])) / 100

    def report(self, settle: float = 30, seconds: float = 90) -> None:
        """Print each group's last evaluation, and the processor's time of the whole program."""
        time.sleep(settle)
        before, begin = self._seconds(), time.monotonic()
        time.sleep(seconds)
        share = (self._seconds() - before) / (time.monotonic() - begin)
        groups = json.loads(self._get("/api/v1/rules"))["data"]["groups"]
        rules = sum(len(group["rules"]) for group in groups)
        taken = sum(group["evaluationTime"] / group["interval"] for group in groups)
        print(f"{rules} rules every {SCRAPE} s take {taken:.1%} of one core; the program with scrapes {share:.1%}")
        for group in sorted(groups, key=lambda group: -group["evaluationTime"]):
            print(f"  {group['name']}: {group['evaluationTime'] * 1000:.1f} ms every {group['interval']:g} s")
        faults = [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"]
        print(f"  faults: {faults}")


if __name__ == "__main__":
    main()
