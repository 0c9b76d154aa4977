"""Jobs on real libraries without a line of ours: ``opentelemetry-instrument python job.py``, ``genotel run job.py``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genotel.journal.reader import JournalReader
from tests.real_libraries.conftest import require_library

ROOT = Path(__file__).resolve().parents[2]
BEGIN = """
import sys, warnings
warnings.filterwarnings("ignore")
sys.path.insert(0, sys.argv[1])
from tests.real_libraries import tiny_models
"""
# What each job does, then the models and operations that it is to be measured with.
JOBS = {
    "diffusers": (
        """
pipeline = tiny_models.stable_diffusion()
pipeline(**tiny_models.STABLE_DIFFUSION)
""",
        [("StableDiffusionPipeline", "generate_content")],
    ),
    "transformers": (
        """
from transformers import pipeline
model = tiny_models.llama()
model.generate(tiny_models.token_ids(), max_new_tokens=4, do_sample=False)
text = pipeline("text-generation", model=model, tokenizer=tiny_models.tokenizer())
text("a cat walks", max_new_tokens=4, do_sample=False)
""",
        [("LlamaForCausalLM", "text_completion")] * 2,
    ),
    "sentence_transformers": (
        """
from sentence_transformers import SentenceTransformer
encoder = SentenceTransformer(str(tiny_models.bert_folder("tiny-bert")), device="cpu")
encoder.encode(["a cat", "the dog"])
""",
        [("tiny-bert", "embeddings")],
    ),
    "onnxruntime": (
        """
import numpy, onnxruntime
open("tiny.onnx", "wb").write(tiny_models.onnx_bytes())
session = onnxruntime.InferenceSession("tiny.onnx", providers=["CPUExecutionProvider"])
for _ in range(3):
    session.run(None, {"x": numpy.ones((2, 16), "f4")})
""",
        [("tiny.onnx", "inference")] * 3,
    ),
}


def measured(command: list[str], job: str, folder: Path) -> list[tuple[str, str]]:
    """Run a job by a command; return model and operation of every call in its journal."""
    script = folder / "job.py"
    script.write_text(BEGIN + job)
    journal = folder / "journal.db"
    done = subprocess.run(
        [*command, str(script), str(ROOT)],
        env={**os.environ, "GENOTEL_JOURNAL": str(journal), "GENOTEL_PAGE": "false"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with JournalReader(journal) as reader:
        calls = [*reader.calls()]
    assert {call.outcome for call in calls} == {"ok"}
    return [(call.model, call.operation) for call in calls]


def tool(name: str) -> str:
    """Return a program of this environment."""
    return str(Path(sys.executable).with_name(name))


@pytest.mark.parametrize("library", JOBS)
def test_opentelemetry_instrument(library: str, tmp_path: Path) -> None:
    """Whatever other instrumentations are installed beside us: each call is in the journal once."""
    require_library(library)
    job, expected = JOBS[library]
    assert measured([tool("opentelemetry-instrument"), sys.executable], job, tmp_path) == expected


def test_genotel_run(tmp_path: Path) -> None:
    """All libraries in one program."""
    require_library(*JOBS)
    job = "".join(job for job, _ in JOBS.values())
    expected = [call for _, calls in JOBS.values() for call in calls]
    assert measured([tool("genotel"), "run"], job, tmp_path) == expected
