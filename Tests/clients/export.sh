#!/bin/sh
# Trains networks for a short time and exports each in every format and way:
#
#     export.sh RUNNER FOLDER COUNT
#
# FOLDER/exports then holds files with their certificates, each checked again, and with COUNT test images
# (`all` for all of them) and runner's scores of these; of t0 always all. FOLDER/results holds the runs.
#
# The networks are t0 to t4, resnet, mobilenet and strong, after one epoch of 6,000 images, and those of
# specs/, one of which has every layer of the catalogue.
set -eu
runner=$(realpath "$1")
folder=$2
count=$3
here=$(realpath "$(dirname "$0")")
experiments=$here/../../experiments

mkdir -p "$folder/exports"
cd "$folder"
train() {
  "$runner" "$@" --quiet > log 2>&1 || { cat log; exit 1; }
}
for name in t0 t1 t2 t3 t4 resnet mobilenet strong; do
  # One kernel's bits, so that scores are the same on any machine.
  train "$experiments/$name.json" training.epochs=1 dataset.train_count=6000 \
    dataset.validation=500 compute.kernel=HASWELL 'expect={}'
done
for spec in "$here"/specs/*.json; do train "$spec" compute.kernel=HASWELL; done

# A line for each export: the run, the file, options.
for run in results/*/latest; do
  name=$(basename "$(dirname "$run")")
  options=
  [ "$count" = all ] || [ "$name" = t0 ] || options="--count $count"
  while read -r ending more; do
    # Without quotes, so that no line ends with a blank, by which xargs would join it with the next.
    echo $run "exports/$name$ending" $options $more
  done <<'ENDINGS'
.onnx
-nhwc.onnx --layout nhwc --softmax
-folded.onnx --fold-batch-norm
.safetensors
-folded.safetensors --fold-batch-norm --softmax
.tflite
-folded.tflite --fold-batch-norm --softmax
.h
-folded.h --fold-batch-norm --softmax
.keras
.h5
-softmax.keras --softmax
-folded.weights.h5 --fold-batch-norm --softmax
.savedmodel
-folded.savedmodel --fold-batch-norm --softmax
.npz
ENDINGS
done > list
cat > one.sh <<'ONE'
runner=$1 model=$2 file=$3
shift 3
log=$("$runner" export "$model" "$file" --samples "$file.samples.npz" --threads 1 --quiet "$@" 2>&1 &&
  "$runner" verify "$file.json" --threads 1 2>&1) || { echo "$file: $log"; exit 1; }
ONE
xargs -P 2 -L 1 sh one.sh "$runner" < list
