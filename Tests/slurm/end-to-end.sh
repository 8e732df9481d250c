#!/usr/bin/env bash
# Runs a sweep on a Slurm cluster of this one machine, ends one of its tasks by a signal and kills the
# other, and compares what it comes to with the same sweep without Slurm.
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
  tail -n 20 "$folder"/cluster/*.log "$folder"/cluster-results/sweep/slurm/*.log >&2 || true
  exit 1
}

"$here/cluster.sh" start "$folder/cluster" || fail "the cluster did not start"
export SLURM_CONF=$folder/cluster/slurm.conf
cd "$folder"

cat > sweep.json << 'END'
{
  "name": "sweep",
  "base": {
    "name": "base",
    "dataset": { "name": "synthetic_digits", "train_count": 600, "validation": 0.2, "test_count": 100 },
    "model": [
      { "layer": "conv2d", "filters": 4, "kernel": 5, "stride": 2, "activation": "relu" },
      { "layer": "flatten" },
      { "layer": "dense", "units": 10 }
    ],
    "optimizer": { "name": "adam", "learning_rate": 0.01 },
    "training": { "epochs": 40, "batch_size": 20 }
  },
  "parameters": {
    "optimizer.learning_rate": { "range": [1e-4, 1e-1], "scale": "log" },
    "model[0].filters": { "choice": [2, 4, 8] }
  },
  "sampler": { "name": "tpe", "startup": 4 },
  "trials": 12,
  "early_termination": { "name": "successive_halving", "min_epochs": 10, "eta": 2, "bracket": 4 },
  "lag": 1,
  "confirm": 2
}
END

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

for _ in $(seq 600); do
  [ -z "$(squeue --noheader --jobs "$job")" ] && break
  sleep 0.5
done
[ -z "$(squeue --noheader --jobs "$job")" ] || fail "the job did not end: $(squeue)"
for file in trials.csv summary.json best.json; do
  cmp "local/sweep/$file" "cluster-results/sweep/$file" || fail "$file is not the same"
done
"$runner" sweep sweep.json --output cluster-results --status > status.txt
grep -q "12 of 12 are over" status.txt || fail "the status: $(cat status.txt)"
grep -q "stopped at checkpoints" cluster-results/sweep/slurm/task-0.log ||
  fail "task 0 did not stop at checkpoints"
echo "slurm: a job array, a task ended and one killed, gives the bytes of the local sweep"
