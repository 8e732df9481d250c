#!/bin/sh
# Makes a virtual environment with programs that exported models are for, where it isn't there yet:
#
#     make-environment.sh PATH NAME
#
# of what NAME.txt lists and, without anything that these depend on, NAME-alone.txt where there is one.
# Ends with 69 where it can't be made, as without a network.
set -u
environment=$1
here=$(dirname "$0")
requirements=$here/$2.txt
alone=$here/$2-alone.txt
[ -f "$alone" ] || alone=/dev/null
if cat "$requirements" "$alone" | cmp -s - "$environment/requirements.txt"; then exit 0; fi

start=$(date +%s)
pip() {
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --retries 2 \
    --timeout 30 "$@"
}
{
  rm -rf "$environment" && python3 -m venv "$environment" &&
    pip --requirement "$requirements" &&
    { [ "$alone" = /dev/null ] || {
      pip --no-deps --requirement "$alone" &&
        "$environment/bin/python" "$here/stand_in_for_cuda.py"
    }; } &&
    cat "$requirements" "$alone" > "$environment/requirements.txt"
} || exit 69
size=$(du -sm "$environment" | cut -f1)
echo "clients: made $environment, $size MB, in $(($(date +%s) - start)) s"
