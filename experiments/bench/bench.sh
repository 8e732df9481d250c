#!/bin/sh
# Compares runner with PyTorch and Keras on this machine: see bench.py --help.
# The peers live in a virtual environment of their own, made at the first run (about 6 GB);
# BENCH_PYTHON names another Python that has them already.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${BENCH_PYTHON:-}
if [ -z "$python" ]; then
  venv="$here/.venv"
  python="$venv/bin/python"
  if [ ! -e "$venv/complete" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$python" -m pip install --quiet --requirement "$here/requirements.txt"
    touch "$venv/complete"
  fi
fi
exec "$python" "$here/bench.py" "$@"
