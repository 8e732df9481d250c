#!/bin/sh
# Exports small networks in every format and way, and lets the programs that these are for open them.
#
#     end-to-end.sh RUNNER ENVIRONMENT [RUNS [RESULTS]]
#
# RUNS is a folder of runs to export besides; RESULTS one for results.md and tensorflow.md. Where
# ENVIRONMENT, or ENVIRONMENT-tensorflow beside it, can't be made, that is said, and nothing is tested.
set -eu
runner=$(realpath "$1")
environment=$2
runs=${3:-}
results=${4:-}
here=$(realpath "$(dirname "$0")")

if ! "$here/make-environment.sh" "$environment" requirements.txt ||
  ! "$here/make-environment.sh" "$environment-tensorflow" requirements-tensorflow.txt; then
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
  export_model "$run" "$name" .savedmodel
  export_model "$run" "$name-folded" .savedmodel --fold-batch-norm --softmax
  export_model "$run" "$name" .npz
  for file in exports/"$name"*.json; do
    [ -e "${file%.json}" ] || continue
    "$runner" verify "$file" > log 2>&1 || {
      cat log
      exit 1
    }
  done
done
"$environment/bin/python" "$here/check.py" exports ${results:+"$results/results.md"}
"$environment-tensorflow/bin/python" "$here/check_tensorflow.py" exports \
  ${results:+"$results/tensorflow.md"}
