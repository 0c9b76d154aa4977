"""A real Prometheus answers every query of the dashboards with values of a program that does everything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from math import isnan

import pytest

from genotel.dashboards.dashboard import Look
from genotel.dashboards.registry import DASHBOARDS
from genotel.rules.registry import GROUPS
from genotel.rules.site import rule_files
from genotel.semconv import dashboard_names as names
from genotel.semconv.recorded_series import MODEL_OBJECTIVE, PROMISED, RECORDED, THRESHOLDS
from genotel.settings import Objective, Settings, SloSettings
from tests.fake_nvml import STATE_VARIABLE, FakeDriver
from tests.servers import RealPrometheus, fetch, wait_for

pytestmark = pytest.mark.real_servers

# Everything that the SDK can record, until stdin is closed.
BUSY = """
import json, queue, sys, threading, time
import genotel
folder = sys.argv[1]
handle = genotel.configure(port=0, collectors="all", models=["never-used"], journal=folder + "/journal.db")
print(json.dumps(handle.url), flush=True)
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()

@genotel.measure(model="llama", operation="chat", output="text")
def stream():
    for word in ("a", "b", "c"):
        yield word

def loop():
    stats = genotel.BatchStats(name="nightly")
    for _ in genotel.batches(range(100000), stats=stats, size=lambda _: 2, enqueued_at=lambda _: time.time() - 0.01):
        if ended.wait(0.05):
            break
loops = threading.Thread(target=loop, daemon=True)
loops.start()
jobs = genotel.track_queue(queue.Queue(maxsize=2), name="intake")
jobs.put("stays")

turn = 0
while not ended.wait(0.05):
    turn += 1
    with genotel.model_load("sdxl"):
        pass
    list(stream())
    jobs.put("goes")
    try:
        jobs.put_nowait("too many")
    except queue.Full:
        jobs.get()
    with genotel.experiment("sampler", variant="AB"[turn % 2]):
        try:
            with genotel.generation("sdxl", output="image", parameters={"steps": 2, "width": 64, "height": 64}) as call:
                call.queued(0.01)
                with call.phase("encode"):
                    pass
                for _ in range(2):
                    call.step()
                call.outputs(1, pixels=4096)
                call.tokens(input=3, output=4)
                call.score("clip", 0.5)
                if turn % 5 == 0:
                    raise ValueError("told to")
        except ValueError:
            pass
loops.join(5)
genotel.shutdown()
"""
CARDS = """
devices = 2
gpu.*.memory_total = 80000000000
gpu.*.memory_used = 50000000000
gpu.*.procs = 1:1000
"""
IDLE = """
import json, sys
import genotel
handle = genotel.configure(port=0, collectors="all", models=["never-used"])
print(json.dumps(handle.url), flush=True)
sys.stdin.read()
genotel.shutdown()
"""
VALUES = {"$__rate_interval": "20s", "$__range": "1m", "$__interval": "5s"}
VARIABLES = re.compile(r"\$(job|instance|model|experiment|gpu)\b")
# Dashboard, panel or series -> why a run of half a minute has nothing for it; test_panels.py has a history of them.
LATER = {
    names.SERVERS: "of other people's servers",
    names.ADVICE: "of the recommender, which needs days",
    "Attained": "made of whole hours",
    "Budget left": "made of whole hours",
    "Calls judged": "made of whole hours",
    "Fast enough": "made of whole hours",
    "{{gen_ai_request_model}} 1d": "made of whole hours",
    "{{gen_ai_request_model}} 3d": "made of whole hours",
    "Room beside each model": "only where torch measures a GPU",
    "Peak of a call p99": "only where torch measures a GPU",
    "Silence of workers": "only with a spool",
    "Workers": "only with a spool",
    "Measurements over a cap": "only when a label has too many values",
    "Faults kept out": "only when genotel has a fault",
    "Certificate good for": "pages with TLS, see test_serve_web.py",
    "TLS handshakes": "as above",
}
# Whose process it is, the driver does not say.
UNKNOWN = {title: {"gen_ai_request_model"} for title in ("GPU memory by program", "Memory by program and model")}
SHOWN = [
    (f"{board.uid}: {panel.title}", panel, query)
    for board in DASHBOARDS
    for panel in board.panels()
    for query in panel.queries
    if not {board.uid, panel.title, query.name} & LATER.keys()
]


def asked(query: str) -> str:
    """Return a query as Grafana sends it with everything chosen."""
    for word, value in VALUES.items():
        query = query.replace(word, value)
    return VARIABLES.sub(".*", query)


def started(program: str, *arguments: str, **variables: str) -> tuple[subprocess.Popen[str], str]:
    """Start a program; return it and host:port of its page."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
    )
    url = json.loads(process.stdout.readline())
    return process, re.match(r"http://([^/]+)/", url)[1]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    """Run a Prometheus with our rules against a busy program and an idle one."""
    folder = tmp_path_factory.mktemp("live")
    driver = FakeDriver(folder / "cards", CARDS)
    busy, busy_at = started(
        BUSY,
        str(folder),
        **{STATE_VARIABLE: str(folder / "cards"), "LD_LIBRARY_PATH": os.path.dirname(driver.library)},
    )
    idle, idle_at = started(IDLE)
    server = RealPrometheus(folder / "prometheus", {"genotel-busy": busy_at, "genotel-idle": idle_at})
    path = folder / "prometheus" / "prometheus.yml"
    text = path.read_text(encoding="utf-8").replace("global: {", "global: {evaluation_interval: 1s, ")
    promised = Objective(model="sdxl", success=0.95, duration_seconds=0.01)
    rules = folder / "rules"
    (rules / "runbooks").mkdir(parents=True)
    for name, rule_file in rule_files(Settings(slo=SloSettings(objectives=(promised,)))).items():
        (rules / name).write_text(rule_file, encoding="utf-8")
    path.write_text(f'{text}rule_files: ["{rules}/*.yaml"]\n', encoding="utf-8")
    try:
        with server:
            wait_for("five scrapes", lambda: server.query('sum_over_time(up{job="genotel-busy"}[1m]) >= 8'), 60)
            wait_for("recorded series", lambda: server.query("genotel_slo:errors:ratio_rate6h"))
            yield server
    finally:
        for process in (busy, idle):
            process.stdin.close()
            process.wait(20)
            process.stdout.close()


def test_every_query_of_a_panel_has_an_answer(prometheus: RealPrometheus):
    """At least one series, every value a number, the legend's labels there."""
    wrong: list[str] = []
    for title, panel, query in SHOWN:
        rows = prometheus.query(asked(query.text))
        wanted = set(re.findall(r"{{(\w+)}}", query.name)) if panel.look is not Look.TABLE else set()
        wanted -= UNKNOWN.get(panel.title, set())
        if not rows:
            wrong.append(f"{title} has no answer: {asked(query.text)}")
        elif any(isnan(value) for _, value in rows):
            wrong.append(f"{title} is no number: {rows}")
        elif not any(wanted <= labels.keys() for labels, _ in rows):
            wrong.append(f"{title} lacks a label of {wanted}: {rows[0]}")
    assert not wrong, "\n".join(wrong)


def test_an_idle_machine_shows_no_nan(prometheus: RealPrometheus):
    """Where nothing happened there is the panel's text, not a number that is none: of 0 calls 0 failed is no share."""
    for board in DASHBOARDS:
        for panel in board.panels():
            for query in panel.queries:
                text = asked(query.text.replace("$job", "genotel-idle"))
                assert not any(isnan(value) for _, value in prometheus.query(text)), text


def test_every_rule_is_evaluated_without_a_fault(prometheus: RealPrometheus):
    """No many-to-many match, no duplicate; and the rules of every file are there."""
    rules = [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] == "err"] == []
    assert len(rules) > sum(len(group.rules) for group in GROUPS)


def test_every_recorded_series_has_values(prometheus: RealPrometheus):
    """But those of days, which are made of whole hours, and those of what is usual."""
    recorded = [series.name for series in (*RECORDED, *PROMISED, *THRESHOLDS)]
    soon = [name for name in recorded if not re.search(r"(12h|1d|3d|30d)$|^genotel_usual:", name)]
    wait_for("every recorded series", lambda: all(prometheus.query(name) for name in soon))


def test_a_model_that_was_promised_more_has_its_own_objective(prometheus: RealPrometheus):
    """And every other one that of all."""
    wanted = {"sdxl": 0.95, "llama": 0.99, "never-used": 0.99}

    def objectives() -> dict[str, float]:
        rows = prometheus.query(f'{MODEL_OBJECTIVE.name}{{job="genotel-busy"}}')
        return {labels["gen_ai_request_model"]: value for labels, value in rows}

    wait_for("the objectives", lambda: objectives() == wanted)


def test_the_variables_find_their_values(prometheus: RealPrometheus):
    """Programs, models and experiments can be chosen."""
    page = fetch(f"{prometheus.url}/api/v1/label/gen_ai_request_model/values")
    assert {"sdxl", "llama", "never-used"} <= set(json.loads(page)["data"])
    assert {row["job"] for row, _ in prometheus.query(asked("count by (job) (genotel_build_info)"))} == {
        "genotel-busy",
        "genotel-idle",
    }
