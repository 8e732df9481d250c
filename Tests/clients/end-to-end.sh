#!/bin/sh
# Lets the programs that exports are for open them, but for TensorFlow and OpenVINO (tensorflow.sh):
#
#     end-to-end.sh RUNNER ENVIRONMENT COUNT [RESULTS.md]
#
# COUNT is how many test images of each network but t0 they are asked about; of t0 all. Where ENVIRONMENT
# can't be made, that is said, and nothing is tested.
set -eu
runner=$(realpath "$1")
environment=$2
count=$3
results=${4:+$(realpath "$4")}
here=$(realpath "$(dirname "$0")")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The one waits for the network, the other computes.
"$here/make-environment.sh" "$environment" requirements &
start=$(date +%s)
"$here/export.sh" "$runner" "$work" "$count"
echo "clients: trained and exported in $(($(date +%s) - start)) s"
if ! wait $!; then
  echo "clients: $(wc -l < "$work/list") exports are not opened by others, for their environment can't be made"
  exit 0
fi
start=$(date +%s)
"$environment/bin/python" "$here/check.py" "$work" ${results:+--results "$results"}
echo "clients: opened in $(($(date +%s) - start)) s"
