#!/bin/sh
# Quantises networks and lets LiteRT, ONNX Runtime and C compilers answer for what is exported of them:
#
#     int8.sh RUNNER ENVIRONMENT FOLDER COUNT [RESULTS.md]
#
# The networks are t0 to t4, resnet and mobilenet as export.sh has left them in FOLDER. Of COUNT test images each
# (`all` for all of them) the reference kernels' numbers and the headers' are to be runner's own, those of XNNPACK
# and of ONNX Runtime near them.
set -eu
runner=$(realpath "$1")
python=$(realpath "$2")/bin/python
folder=$3
count=$4
results=${5:+$(realpath "$5")}
here=$(realpath "$(dirname "$0")")

mkdir -p "$folder/int8"
cd "$folder"
cat > quantize.sh <<'ONE'
runner=$1 name=$2
shift 2
model=results/$name/latest/model.int8.safetensors
{
  "$runner" quantize "results/$name/latest" --threads 1 --quiet &&
    "$runner" export $model "int8/$name.tflite" --samples "int8/$name.tflite.npz" --threads 1 --quiet "$@" &&
    "$runner" export $model "int8/$name-softmax.tflite" --softmax --samples "int8/$name-softmax.tflite.npz" \
      --threads 1 --quiet "$@" &&
    for ending in .onnx .h -softmax.onnx -softmax.h; do
      case $ending in -softmax*) options="$* --softmax" ;; *) options="$*" ;; esac
      "$runner" export $model "int8/$name$ending" $options --threads 1 --quiet || exit 1
    done
} > "int8/$name.log" 2>&1 || { cat "int8/$name.log"; exit 255; }
ONE
[ "$count" = all ] && options= || options="--count $count"
for name in t4 mobilenet resnet t0 t1 t2 t3; do echo $name $options; done |
  xargs -P 2 -L 1 sh -e quantize.sh "$runner"
"$python" "$here/check_int8.py" int8 ${results:+--results "$results"}
