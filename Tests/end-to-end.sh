#!/usr/bin/env bash
# Runs the built program as a user does: on the real MNIST where it is on disk, on synthetic digits
# where not. Usage: Tests/end-to-end.sh path/to/runner
set -euo pipefail

runner=$(realpath "$1")
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "end to end: $*" >&2
  exit 1
}

# Every spec in the repository is sound, and the schema is the program's own.
for spec in experiments/*.json experiments/reference/*.json; do
  [ "$spec" = experiments/experiment.schema.json ] && continue
  "$runner" validate --quiet "$spec" > "$folder/validate" || fail "validate $spec"
done
"$runner" schema | cmp - experiments/experiment.schema.json || fail "the schema is out of date"
"$runner" schema --sweep | cmp - experiments/sweeps/sweep.schema.json ||
  fail "the schema of sweeps is out of date"
"$runner" explain --all --format markdown | cmp - experiments/catalogue.md ||
  fail "the catalogue is out of date"

data=synthetic_digits
if "$runner" data check mnist > "$folder/check" 2>&1; then
  data=mnist
fi
echo "end to end: on $data"

# One epoch, by two ways of working that must not differ in a bit.
quick=(experiments/quickstart.json training.epochs=1 "dataset.name=$data" --quiet)
[ "$data" = mnist ] || quick+=(dataset.train_count=6000 dataset.test_count=1000 dataset.when_unavailable=null)
spec=("${quick[@]}" 'expect={"test_accuracy":{"min":0.96}}')
[ "$data" = mnist ] || spec=("${quick[@]}" 'expect={}')
"$runner" "${spec[@]}" --threads 1 --output "$folder/one"
"$runner" "${spec[@]}" --threads 2 --output "$folder/two" > /dev/null
cmp "$folder"/{one,two}/quickstart/latest/metrics.csv || fail "threads changed the metrics"
cmp "$folder"/{one,two}/quickstart/latest/checkpoints/last.safetensors ||
  fail "threads changed the weights"

run=$(realpath "$folder/one/quickstart/latest")
"$runner" verify --quiet "$run" || fail "verify"
"$runner" evaluate "$run" > "$folder/evaluate" || fail "evaluate"
"$runner" plot "$run" --output "$folder/curves.svg" > /dev/null || fail "plot"
grep -q '</svg>' "$folder/curves.svg" || fail "the plot is not whole"
"$runner" data show "$data" --output "$folder/digits.png" > /dev/null 2>&1 || fail "data show"

# The model by itself: what evaluate counts; and thirty drawings in the manner of people, read by a network
# that knows MNIST: as their digits with --prepare, hardly without.
if [ "$data" = mnist ]; then
  cp "$run/model.safetensors" "$folder/digits.safetensors"
  predict=("$runner" predict "$folder/digits.safetensors")
  "${predict[@]}" "${RUNNER_DATA:-data}/mnist" > "$folder/answers" || fail "predict"
  grep -q "^recognised .* $(sed -n 's/^test accuracy  \(.* %\),.*/\1/p' "$folder/evaluate")\$" \
    "$folder/answers" || fail "predict does not say what evaluate does"
  drawn=Tests/DatasetsTests/Fixtures/drawings/drawn
  for way in "--prepare digit" "--resize area"; do
    # shellcheck disable=SC2086
    "${predict[@]}" "$drawn" $way > "$folder/answers" 2> /dev/null || fail "predict $way"
    echo "end to end: thirty drawings, $way: $(grep '^recognised' "$folder/answers")"
    [ "$way" = "--resize area" ] ||
      [ "$(sed -n 's/^recognised \([0-9]*\) .*/\1/p' "$folder/answers")" -ge 28 ] ||
      fail "fewer than 28 of 30 drawings are read"
  done
fi

# Interrupted and resumed: the same bytes.
status=0
timeout --signal=INT 1 "$runner" "${spec[@]}" --threads 1 --output "$folder/three" \
  > /dev/null 2>&1 || status=$?
if [ -d "$folder/three/quickstart/latest" ]; then
  run=$(realpath "$folder/three/quickstart/latest")
  "$runner" resume --quiet "$run" > /dev/null 2>&1 || true
  cmp "$folder/one/quickstart/latest/metrics.csv" "$run/metrics.csv" ||
    fail "an interruption changed the metrics"
fi

# Output that is lost.
for command in "data fetch $data" "data check $data" "verify --quiet $run" "explain --all"; do
  status=0
  # shellcheck disable=SC2086
  "$runner" $command > /dev/full 2> "$folder/errors" || status=$?
  [ "$status" = 1 ] || fail "$command with lost output gave status $status, not 1"
  grep -q 'cannot write the standard output: No space left' "$folder/errors" ||
    fail "$command didn't say that its output is lost"
done

status=0
"$runner" experiments/quickstart.json optimizer.learning_rat=1 > "$folder/out" 2>&1 || status=$?
[ "$status" = 2 ] || fail "a misspelt key gave status $status, not 2"
grep -q 'did you mean' "$folder/out" || fail "a misspelt key gave no near miss"
echo "end to end: passed"
