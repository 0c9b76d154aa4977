"""An instrumented program that makes the calls it is told to, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

# One line of JSON in, one line out; so the test decides when what happens.
PROGRAM = """
import json, sys
import genotel
from opentelemetry import trace
settings = json.loads(sys.argv[1])
handle = genotel.configure(**settings)
print(json.dumps(handle.url), flush=True)
for line in sys.stdin:
    model, outcome = json.loads(line)
    try:
        with genotel.generation(model, output="image", parameters={"steps": 3, "width": 64, "height": 64}) as call:
            for _ in range(3):
                call.step()
            call.outputs(1)
            trace_id = trace.get_current_span().get_span_context().trace_id
            if outcome != "ok":
                raise ValueError("told to")
    except ValueError:
        pass
    print(json.dumps(f"{trace_id:032x}"), flush=True)
genotel.shutdown()
"""


class Program:
    """Run an instrumented program that makes the calls it is told to."""

    def __init__(self, **settings: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = json.loads(self._process.stdout.readline())

    def call(self, model: str, outcome: str = "ok") -> str:
        """Make one call and return its trace id."""
        self._process.stdin.write(json.dumps([model, outcome]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """Let the program come to its end."""
        self._process.stdin.close()
        assert self._process.wait(20) == 0
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()
