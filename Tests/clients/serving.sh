#!/bin/sh
# Starts a server and asks it by the clients, browsers and checkers that were made for others, and attacks it.
#
#     serving.sh RUNNER SERVER ENVIRONMENT [--short]
#
# --short attacks for seconds, and lets schemathesis try little. Where ENVIRONMENT can't be made, that is said,
# and it is attacked alone. Chromium, promtool and slowhttptest are used where they are installed, and it is
# said where they are not.
set -eu
runner=$(realpath "$1")
server=$(realpath "$2")
environment=$3
here=$(realpath "$(dirname "$0")")
connections=10000 seconds=10 examples=30
[ "${4:-}" != --short ] || connections=2000 seconds=3 examples=5

work=$(mktemp -d)
process=
trap 'if [ -n "$process" ]; then kill "$process" 2> /dev/null || true; fi; rm -rf "$work"' EXIT
# The one waits for the network, the others compute and wait.
"$here/make-environment.sh" "$environment" requirements-serving &
making=$!

# With validation images, which runner monitor compares with.
"$runner" "$here/../../experiments/speed.json" name=digits dataset.validation=0.1 --output "$work/runs" \
  --quiet > /dev/null
model=$work/runs/digits/latest
python3 "$here/attack_serving.py" "$server" "$model" --connections $connections --seconds $seconds

if ! wait $making; then
  echo "serving: attacked; no clients have asked it, for their environment can't be made"
  exit 0
fi
environment=$(realpath "$environment")
python=$environment/bin/python
mkdir "$work/images"
"$python" "$here/make_digits.py" "$work/images"
# Each image alone: in company some kernels give other last digits.
for image in "$work"/images/*.png; do
  "$runner" predict "$model" "$image" --probabilities --format jsonl
done > "$work/answers.jsonl"

"$server" "$model" --port 0 --grpc-port 0 --log "$work/requests.jsonl" --feedback "$work/labelled" \
  2> "$work/server.log" &
process=$!
for _ in $(seq 100); do
  grep -q listening "$work/server.log" && break
  sleep 0.1
done
http=$(sed -n 's|.*listening at http://\([0-9.:]*\).*|\1|p' "$work/server.log")
grpc=$(sed -n 's|.*for gRPC at \([0-9.:]*\).*|\1|p' "$work/server.log")

for client in requests triton-http triton-grpc kserve-rest kserve-grpc ovms; do
  "$python" "$here/check_serving.py" $client "$http" "$grpc" digits "$work/answers.jsonl"
done

# What was asked is what the watch reads, every line of it; whether ten digits look like MNIST is not asked.
sleep 0.5
"$runner" monitor "$work/requests.jsonl" "$model" --window all > "$work/monitor.txt" \
  2> "$work/monitor.log" || [ $? = 4 ]
if grep -q 'passed over' "$work/monitor.log" || grep -q ' 0 looks' "$work/monitor.txt"; then
  cat "$work/monitor.txt" "$work/monitor.log"
  exit 1
fi
echo "runner monitor: as it should be"

# curl, as the tutorials have it.
if command -v curl > /dev/null; then
  image=$(ls "$work"/images/*.png | head -n 1)
  curl -sf -F "image=@$image" "http://$http/predict" | grep -q '"prediction":'
  curl -sf --data-binary "@$image" "http://$http/predict" | grep -q '"prediction":'
  echo "curl: as it should be"
fi

if command -v promtool > /dev/null; then
  "$python" -c "import requests; print(requests.get('http://$http/metrics').text, end='')" |
    promtool check metrics
  echo "promtool: as it should be"
else
  echo "promtool: not installed, left out"
fi

# What is not asked: whether all that the description allows is taken, since which sizes a model takes no
# description of all servers says. It keeps what it finds in the folder that it is started in.
(cd "$work" && "$environment/bin/schemathesis" run "http://$http/openapi.json" \
  --max-examples $examples --seed 1 --exclude-checks positive_data_acceptance --no-color \
  > schemathesis.log 2>&1) || {
  tail -n 100 "$work/schemathesis.log"
  exit 1
}
echo "schemathesis: as it should be"

if browser=$(command -v chromium || command -v google-chrome); then
  "$python" "$here/check_page.py" "$browser" "http://$http" "$work" ${SCREENSHOTS:+"$SCREENSHOTS"}
else
  echo "Chromium: not installed, left out"
fi

kill -TERM "$process"
wait "$process"
process=
echo "serving: passed"
