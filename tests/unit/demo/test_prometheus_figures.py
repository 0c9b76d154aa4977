"""What Prometheus answers, turned into figures."""

from __future__ import annotations

from genotel.demo.prometheus_figures import PrometheusFigures, read_prometheus
from genotel.demo.prometheus_process import Sample
from genotel.promql.catalog import MODEL_LABEL


class FakeServer:
    """Answer from a list of lists."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def query(self, promql):
        """Give the next answer."""
        self.asked.append(promql)
        return self.answers.pop(0)


def test_each_figure_has_its_query():
    """p95 in all and by model, and the count."""
    server = FakeServer([Sample({}, 0.5)], [Sample({MODEL_LABEL: "a"}, 0.4)], [Sample({}, 12.0)])
    assert read_prometheus(server) == PrometheusFigures(0.5, {"a": 0.4}, 12)
    assert [MODEL_LABEL in promql for promql in server.asked] == [False, True, False]


def test_what_is_not_known_is_absent():
    """Before the first scrape there is no answer to anything."""
    assert read_prometheus(FakeServer([], [], [])) == PrometheusFigures(None, {}, None)
