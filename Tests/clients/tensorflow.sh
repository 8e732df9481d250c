#!/bin/sh
# Lets TensorFlow and OpenVINO open exported SavedModels:
#
#     tensorflow.sh RUNNER ENVIRONMENT COUNT [RESULTS.md]
#
# Else as end-to-end.sh, of which `make test` has no part: these programs alone take 3 GB.
set -eu
runner=$(realpath "$1")
environment=$2
count=$3
results=${4:+$(realpath "$4")}
here=$(realpath "$(dirname "$0")")

if ! "$here/make-environment.sh" "$environment" requirements-tensorflow; then
  echo "clients: SavedModels are not opened, for the environment for that can't be made"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$here/export.sh" "$runner" "$work" "$count"
"$environment/bin/python" "$here/check_tensorflow.py" "$work/exports" ${results:+"$results"}
