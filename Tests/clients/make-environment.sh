#!/bin/sh
# Makes a virtual environment with programs that exported models are for, where it isn't there yet:
#
#     make-environment.sh PATH REQUIREMENTS.txt
#
# Ends with 69 where it can't be made, as without a network.
set -u
environment=$1
requirements=$(dirname "$0")/$2
if [ -f "$environment/requirements.txt" ] &&
  cmp -s "$requirements" "$environment/requirements.txt"; then
  exit 0
fi
{
  rm -rf "$environment" && python3 -m venv "$environment" &&
    "$environment/bin/pip" install --quiet --requirement "$requirements" &&
    cp "$requirements" "$environment/requirements.txt"
} || exit 69
