#!/bin/sh
# Quantises networks and lets LiteRT answer for what is exported of them:
#
#     int8.sh RUNNER ENVIRONMENT [COUNT [RESULTS.md]]
#
# The networks are t0 to t4, resnet and mobilenet, after one epoch of 6,000 images. Of COUNT test images each
# (all unless told) the reference kernels' numbers are to be runner's own, those of XNNPACK within one unit.
# Where ENVIRONMENT can't be made, that is said, and nothing is compared.
set -eu
runner=$(realpath "$1")
environment=$2
count=${3:-all}
results=${4:+$(realpath "$4")}
here=$(realpath "$(dirname "$0")")
experiments=$here/../../experiments

"$here/make-environment.sh" "$environment" requirements-int8 || {
  echo "clients: int8 exports are not compared with LiteRT, for its environment can't be made"
  exit 0
}
environment=$(realpath "$environment")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
options=
[ "$count" = all ] || options="--count $count"
for name in t0 t1 t2 t3 t4 resnet mobilenet; do
  for step in train quantize scores probabilities; do
    case $step in
    train)
      set -- "$experiments/$name.json" training.epochs=1 dataset.train_count=6000 \
        dataset.validation=500 compute.kernel=HASWELL 'expect={}'
      ;;
    quantize) set -- quantize "results/$name/latest" ;;
    scores)
      set -- export "results/$name/latest/model.int8.safetensors" "$name.tflite" \
        --samples "$name.tflite.npz" $options
      ;;
    probabilities)
      set -- export "results/$name/latest/model.int8.safetensors" "$name-softmax.tflite" --softmax \
        --samples "$name-softmax.tflite.npz" $options
      ;;
    esac
    "$runner" "$@" --quiet > log 2>&1 || { cat log; exit 1; }
  done
done
"$environment/bin/python" "$here/check_int8.py" "$work" ${results:+--results "$results"}
