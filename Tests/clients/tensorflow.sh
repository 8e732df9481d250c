#!/bin/sh
# Lets TensorFlow and OpenVINO open exported SavedModels, and asks them about all test images:
#
#     tensorflow.sh RUNNER ENVIRONMENT [RESULTS.md]
#
# Else as end-to-end.sh, of which `make test` has no part: these programs alone take 3 GB.
set -eu
runner=$(realpath "$1")
environment=$2
results=${3:+$(realpath "$3")}
here=$(realpath "$(dirname "$0")")

if ! "$here/make-environment.sh" "$environment" requirements-tensorflow; then
  echo "clients: SavedModels are not opened, for the environment for that can't be made"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$here/export.sh" "$runner" "$work" 500 '\.savedmodel$'
"$environment/bin/python" "$here/check_tensorflow.py" "$work" ${results:+"$results"}
