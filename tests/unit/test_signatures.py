"""What of the public face is given by name only: positions would freeze an order that nobody remembers."""

from __future__ import annotations

import inspect

import pytest

import genotel
from genotel.exposition.asgi import make_asgi_app
from genotel.exposition.negotiation import negotiate
from genotel.exposition.own_metrics import OwnMetrics
from genotel.exposition.page import Page
from genotel.exposition.server import PageServer
from genotel.exposition.wsgi import make_wsgi_app
from genotel.telemetry.reader import PageReader

# Callable -> the parameters that may be given by position.
BY_POSITION = {
    genotel.configure: [],
    genotel.measure: [],
    genotel.generation: ["model"],
    genotel.model_load: ["model"],
    genotel.model_unloaded: ["model"],
    genotel.record_event: ["model"],
    genotel.experiment: ["name"],
    genotel.Generation.step: ["self", "count"],
    genotel.Generation.outputs: ["self", "count"],
    genotel.Generation.tokens: ["self"],
    make_asgi_app: ["page"],
    make_wsgi_app: ["page"],
    PageServer: ["page"],
    OwnMetrics: ["page"],
    PageReader: [],
    Page: ["sources"],
    negotiate: ["accept"],
}


@pytest.mark.parametrize("function", BY_POSITION, ids=lambda function: function.__qualname__)
def test_only_these_parameters_go_by_position(function):
    """All others are keywords, and none is positional only: each may be named."""
    kinds = inspect.signature(function).parameters.values()
    by_position = [one.name for one in kinds if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert by_position == BY_POSITION[function]
    assert not [one.name for one in kinds if one.kind is inspect.Parameter.POSITIONAL_ONLY]
