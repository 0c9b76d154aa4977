#!/usr/bin/env bash
# Make .venv-libraries: genotel with the real libraries that it measures, on the CPU. About 1.4 GB, a minute
# where the packages come fast. `make test-libraries` calls it; it changes nothing outside of .venv-libraries.
#
# It may be stopped and called again: what is installed already stays. Where pip would bring the build of
# torch for CUDA, three times as large, name an index with the one for the CPU: PIP_EXTRA_INDEX_URL.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv-libraries
torch=2.13.0
libraries=("diffusers>=0.42,<0.43" "transformers>=5.23,<6" accelerate "sentence-transformers>=6.2,<7" onnx "onnxruntime>=1.31,<2")

# A registry may be busy for a moment: three tries. Twice quiet: nothing is said but errors.
install() {
  local try
  for try in 1 2 3; do
    if "$venv/bin/python" -m pip install --quiet --quiet --retries 5 --timeout 60 "$@"; then
      return 0
    fi
    [ "$try" -eq 3 ] || sleep $((try * 5))
  done
  echo "set_up_libraries: pip could not install: $*" >&2
  return 1
}

has_torch() {
  "$venv/bin/python" -c "import importlib.metadata as m; assert m.version('torch').split('+')[0] == '$torch'" 2>/dev/null
}

if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  .venv/bin/python -m venv --clear "$venv"
fi
install --upgrade 'pip>=25.1'
# Torch by itself and first: the other libraries would take any.
has_torch || install "torch==$torch"
install "${libraries[@]}" "torch==$torch"
install --editable '.[auto,otlp]' --group dev --group beside
# OpenLIT asks for 60 packages and for other releases of OpenTelemetry: what it needs here is in `beside`.
install --no-deps openlit==1.45.0
touch "$venv/.ready"
