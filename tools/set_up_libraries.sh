#!/usr/bin/env bash
# Make .venv-libraries: genotel with the real libraries that it measures, on the CPU. About 1.4 GB.
# `make test-libraries` calls it; it changes nothing outside of .venv-libraries.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv-libraries

.venv/bin/python -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --upgrade 'pip>=25.1'
# The CPU's build of torch first: the others would ask for the one with CUDA, three times as large.
"$venv/bin/python" -m pip install --quiet 'torch==2.13.0'
"$venv/bin/python" -m pip install --quiet diffusers transformers accelerate sentence-transformers onnx onnxruntime
"$venv/bin/python" -m pip install --quiet --editable '.[auto]' --group dev
touch "$venv/.ready"
