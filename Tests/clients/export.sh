#!/bin/sh
# Trains networks for a short time and exports each in every format and way:
#
#     export.sh RUNNER FOLDER COUNT [FORMATS]
#
# FOLDER/exports then holds files with their certificates, those of t0 and of the network with every layer checked
# again. A certificate is of COUNT test images (`all` for all of them); two of each network are of all:
# FOLDER/samples holds these images with runner's scores of them, NAME.npz, and its probabilities,
# NAME-softmax.npz. FOLDER/results holds the runs. FORMATS, a pattern of grep, leaves out the files whose names
# are not like it.
#
# The networks are t0 to t4, resnet, mobilenet and strong, after one epoch of 6,000 images, and those of
# specs/, one of which has every layer of the catalogue.
set -eu
runner=$(realpath "$1")
folder=$2
count=$3
formats=${4:-.}
here=$(realpath "$(dirname "$0")")
experiments=$here/../../experiments

mkdir -p "$folder/exports" "$folder/samples"
cd "$folder"
cat > one.sh <<'ONE'
runner=$1
shift
log=$("$runner" "$@" --threads 1 --quiet 2>&1) || { echo "$*: $log"; exit 255; }
case $1.$3 in
export.exports/t0*|export.exports/every-layer*)
  log=$("$runner" verify "$3.json" --threads 1 2>&1) || { echo "$3: $log"; exit 255; } ;;
esac
ONE
# Two at a time of a thread each. One kernel's bits, so that scores are the same on any machine.
{
  for name in strong t4 mobilenet resnet t0 t1 t2 t3; do
    echo "$experiments/$name.json" training.epochs=1 dataset.train_count=6000 dataset.validation=500 \
      compute.kernel=HASWELL "'expect={}'" evaluation.test_time_augmentation=null \
      dataset.when_unavailable=synthetic_digits
  done
  for spec in "$here"/specs/*.json; do echo "$spec" compute.kernel=HASWELL; done
} | xargs -P 2 -L 1 sh one.sh "$runner"

# A line for each export: the run, the file, options.
for run in results/*/latest; do
  name=$(basename "$(dirname "$run")")
  missing="scores softmax"
  while read -r ending more; do
    echo "$ending" | grep -q -e "$formats" || continue
    case $more in *--softmax*) kind=softmax samples=$name-softmax ;; *) kind=scores samples=$name ;; esac
    options="--count $count"
    [ "$count" != all ] || options=
    case $missing in
    *$kind*) options="--samples samples/$samples.npz" missing=$(echo "$missing" | sed "s/$kind//") ;;
    esac
    # Without quotes, so that no line ends with a blank, by which xargs would join it with the next.
    echo export $run "exports/$name$ending" $options $more
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
xargs -P 2 -L 1 sh one.sh "$runner" < list
