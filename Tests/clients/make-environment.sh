#!/bin/sh
# Makes the virtual environment with the programs that exported models are for, at the path given, where it
# isn't there yet. Ends with 69 where it can't be made, as without a network.
set -u
environment=$1
here=$(dirname "$0")
if [ -f "$environment/requirements.txt" ] &&
  cmp -s "$here/requirements.txt" "$environment/requirements.txt"; then
  exit 0
fi
{
  rm -rf "$environment" && python3 -m venv "$environment" &&
    "$environment/bin/pip" install --quiet --requirement "$here/requirements.txt" &&
    cp "$here/requirements.txt" "$environment/requirements.txt"
} || exit 69
