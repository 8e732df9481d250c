#!/usr/bin/env bash
# Runs a sweep of every kind on a Slurm cluster of this one machine, ends one task of the first by a
# signal and kills its other, and compares what they come to with the same sweeps without Slurm.
# Usage, as root: Tests/slurm/end-to-end.sh path/to/runner
set -euo pipefail

runner=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
finish() {
  "$here/cluster.sh" stop "$folder/cluster" || true
  rm -rf "$folder"
}
trap finish EXIT

fail() {
  echo "slurm: $*" >&2
  tail -n 20 "$folder"/cluster/*.log "$folder"/cluster-results/*/slurm/*.log >&2 || true
  exit 1
}

"$here/cluster.sh" start "$folder/cluster" || fail "the cluster did not start"
export SLURM_CONF=$folder/cluster/slurm.conf
cd "$folder"

cat > base.json << 'END'
{
  "name": "base",
  "dataset": { "name": "synthetic_digits", "train_count": 600, "validation": 0.2, "test_count": 100 },
  "model": [
    { "layer": "conv2d", "filters": 4, "kernel": 5, "stride": 2, "activation": "relu" },
    { "layer": "flatten" },
    { "layer": "dropout", "rate": 0.1 },
    { "layer": "dense", "units": 10 }
  ],
  "optimizer": { "name": "adam", "learning_rate": 0.01 },
  "training": { "epochs": 4, "batch_size": 20 }
}
END

# A sweep in NAME.json: spec NAME SAMPLER TERMINATION TRIALS [MORE]
spec() {
  cat > "$1.json" << END
{
  "name": "$1",
  "base": "base.json",
  "parameters": {
    "optimizer.learning_rate": { "range": [1e-4, 1e-1], "scale": "log"${points:-} },
    "model[2].rate": { "range": [0, 0.5]${points:-} }
  },
  "sampler": $2,
  "early_termination": $3,
  "trials": $4,
  ${5:-}
  "confirm": 2
}
END
}

# The bytes of a sweep's results: same NAME
same() {
  for file in trials.csv summary.json best.json; do
    cmp "local/$1/$file" "cluster-results/$1/$file" || fail "$1: $file is not the same"
  done
}

# Until a job is over: finished JOB
finished() {
  for _ in $(seq 600); do
    [ -z "$(squeue --noheader --jobs "$1" 2> /dev/null)" ] && return
    sleep 0.5
  done
  fail "the job did not end: $(squeue)"
}

spec sweep '{ "name": "tpe", "startup": 4 }' \
  '{ "name": "successive_halving", "min_epochs": 10, "eta": 2, "bracket": 4 }' 12 \
  '"set": { "training.epochs": 40 }, "lag": 1,'
"$runner" sweep sweep.json -j 2 --output local --quiet > local.txt || fail "the local sweep"
"$runner" sweep sweep.json --engine slurm -j 2 --output cluster-results --quiet > submitted.txt ||
  fail "the submission"
job=$(cat cluster-results/sweep/slurm/job)

# The process of a task, once its sweep has begun a trial.
task() {
  for _ in $(seq 300); do
    for pid in $(pgrep -f "sweep-task $folder/cluster-results/sweep" || true); do
      if tr '\0' '\n' < "/proc/$pid/environ" 2> /dev/null | grep -qx "SLURM_ARRAY_TASK_ID=$1" &&
        grep -lqx "task-$1" cluster-results/sweep/claims/* 2> /dev/null; then
        echo "$pid"
        return
      fi
    done
    sleep 0.1
  done
  return 1
}

first=$(task 0) || fail "task 0 did not begin"
kill -TERM "$first"
second=$(task 1) || fail "task 1 did not begin"
kill -KILL "$second"
for _ in $(seq 100); do
  scontrol requeue "${job}_1" 2> /dev/null && break
  sleep 0.2
done

finished "$job"
same sweep
"$runner" sweep sweep.json --output cluster-results --status > status.txt
grep -q "12 of 12 are over" status.txt || fail "the status: $(cat status.txt)"
grep -q "stopped at checkpoints" cluster-results/sweep/slurm/task-0.log ||
  fail "task 0 did not stop at checkpoints"
echo "slurm: a job array, a task ended and one killed, gives the bytes of the local sweep"

points=', "points": 3' spec grid '{ "name": "grid" }' null null
for sampler in random sobol; do spec "$sampler" "{ \"name\": \"$sampler\" }" null 9; done
for sampler in tpe gp; do
  spec "$sampler" "{ \"name\": \"$sampler\", \"startup\": 3 }" null 9 '"lag": 3,'
done
spec pbt '{ "name": "pbt", "population": 4, "interval": 2 }' null 8
spec hyperband '{ "name": "random" }' '{ "name": "hyperband", "min_epochs": 1, "eta": 2 }' 9
spec median '{ "name": "random" }' \
  '{ "name": "median", "warmup_epochs": 1, "startup_trials": 2 }' 9 '"lag": 3,'
kinds="grid random sobol tpe gp pbt hyperband median"
for kind in $kinds; do
  "$runner" sweep "$kind.json" -j 2 --output local --quiet > /dev/null || fail "$kind: the local sweep"
  "$runner" sweep "$kind.json" --engine slurm -j 2 --output cluster-results --quiet > /dev/null ||
    fail "$kind: the submission"
done
for kind in $kinds; do
  finished "$(cat "cluster-results/$kind/slurm/job")"
  same "$kind"
done
echo "slurm: $kinds: the same bytes"
