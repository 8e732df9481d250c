#!/bin/sh
# Exports small networks in every format and way, and lets the programs that these are for open them.
#
#     end-to-end.sh RUNNER ENVIRONMENT [RUNS [RESULTS.md]]
#
# RUNS is a folder of runs to export besides. Where ENVIRONMENT can't be made, that is said, and nothing
# is tested.
set -eu
runner=$(realpath "$1")
environment=$2
runs=${3:-}
results=${4:-}
here=$(realpath "$(dirname "$0")")

if ! "$here/make-environment.sh" "$environment"; then
  echo "clients: not tested, for their environment can't be made"
  exit 0
fi
[ -z "$runs" ] || runs=$(realpath "$runs")
[ -z "$results" ] || results=$(realpath "$results")
environment=$(realpath "$environment")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/exports"
cd "$work"

# export MODEL NAME ENDING [OPTIONS]
export_model() {
  model=$1 file=exports/$2$3
  shift 3
  "$runner" export "$model" "$file" --samples "$file.samples.npz" --quiet "$@" > log 2>&1 || {
    cat log
    exit 1
  }
}

for spec in "$here"/specs/*.json; do
  "$runner" "$spec" --quiet > /dev/null
done
for run in results/*/latest ${runs:+"$runs"/*/latest}; do
  name=$(basename "$(dirname "$run")")
  export_model "$run" "$name" .onnx
  export_model "$run" "$name-nhwc" .onnx --layout nhwc --softmax
  export_model "$run" "$name-folded" .onnx --fold-batch-norm
  export_model "$run" "$name" .safetensors
  export_model "$run" "$name-folded" .safetensors --fold-batch-norm --softmax
  export_model "$run" "$name" .tflite
  export_model "$run" "$name-folded" .tflite --fold-batch-norm --softmax
  export_model "$run" "$name" .h
  export_model "$run" "$name-folded" .h --fold-batch-norm --softmax
  export_model "$run" "$name" .keras
  export_model "$run" "$name" .h5
  export_model "$run" "$name-folded" .weights.h5 --fold-batch-norm --softmax
  export_model "$run" "$name" .npz
  for file in exports/"$name"*.json; do
    [ -e "${file%.json}" ] || continue
    "$runner" verify "$file" > log 2>&1 || {
      cat log
      exit 1
    }
  done
done
"$environment/bin/python" "$here/check.py" exports ${results:+"$results"}
