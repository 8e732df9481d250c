#!/bin/sh
# Lets the programs that exports are for open them, but for TensorFlow and OpenVINO (tensorflow.sh):
#
#     end-to-end.sh RUNNER ENVIRONMENT [RESULTS.md INT8.md]
#
# They are asked about all test images, and of exports that differ in options alone, that compute the same again
# (check.py), or are of int8, about the first 500; where results are written, about all of them there too. Where
# ENVIRONMENT can't be made, that is said, and nothing is opened.
set -eu
runner=$(realpath "$1")
environment=$2
results=${3:+$(realpath "$3")}
int8=${4:+$(realpath "$4")}
here=$(realpath "$(dirname "$0")")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The one waits for the network, the other computes.
"$here/make-environment.sh" "$environment" requirements &
start=$(date +%s)
count=500 asked="--ways 500 --slow 20"
[ -z "$results" ] || count=all asked="--results $results"
"$here/export.sh" "$runner" "$work" $count
echo "clients: trained and exported in $(($(date +%s) - start)) s"
if ! wait $!; then
  echo "clients: $(ls "$work"/exports/*.json | wc -l) exports, and those of int8, are not opened by others, for their environment can't be made"
  exit 0
fi
start=$(date +%s)
# shellcheck disable=SC2086
"$environment/bin/python" "$here/check.py" "$work" $asked
echo "clients: opened in $(($(date +%s) - start)) s"
start=$(date +%s)
"$here/int8.sh" "$runner" "$environment" "$work" $count ${int8:+"$int8"}
echo "clients: quantised and opened in $(($(date +%s) - start)) s"
