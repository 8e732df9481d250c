#!/usr/bin/env bash
# Lets system calls of the built program fail, or kill it, each in turn, and checks what it leaves: that
# it never ends with status 0 and something missing or different, never crashes or hangs, goes on to the
# same bytes afterwards, and leaves no temporary file and no process behind.
# Usage: Tests/faults.sh path/to/runner [STRIDE [run|resume|sweep …]]
# With a STRIDE only every so manieth call is tried, another one of them in each scenario and fault.
set -euo pipefail

runner=$(realpath "$1")
stride=${2:-1}
scenarios=("${@:3}")
[ ${#scenarios[@]} -gt 0 ] || scenarios=(run resume sweep)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir tmp
export TMPDIR=$folder/tmp
unset RUNNER_DATA

# A call under its name for people: the system calls that it may be, and the errors that it may give.
calls=(write fsync rename openat mkdir ftruncate pipe clone)
declare -A names=(
  [write]=write [fsync]=fsync,fdatasync [rename]='?rename,?renameat,?renameat2' [openat]='?open,openat'
  [mkdir]='?mkdir,?mkdirat' [ftruncate]=ftruncate [pipe]='?pipe,pipe2' [clone]='?vfork,clone,?clone3')
declare -A faults=(
  [write]='ENOSPC EIO' [fsync]='EIO' [rename]='ENOSPC EIO' [openat]='EMFILE EACCES EIO' [mkdir]='ENOSPC'
  [ftruncate]='EIO' [pipe]='EMFILE' [clone]='EAGAIN')

cat > small.json << 'END'
{
  "name": "small",
  "dataset": { "name": "synthetic_digits", "train_count": 60, "test_count": 20, "validation": 0.2 },
  "model": [
    { "layer": "max_pool", "size": 4 },
    { "layer": "batch_norm" },
    { "layer": "flatten" },
    { "layer": "dropout", "rate": 0.2 },
    { "layer": "dense", "units": 10 }
  ],
  "optimizer": { "name": "adam", "learning_rate": 0.02 },
  "training": { "epochs": 2, "batch_size": 10 },
  "checkpoint": { "every_steps": 3 }
}
END
cat > sweep.json << 'END'
{
  "name": "sweep",
  "base": "small.json",
  "parameters": { "optimizer.learning_rate": { "range": [1e-4, 1e-1], "scale": "log" } },
  "sampler": { "name": "random" },
  "trials": 2,
  "confirm": 1
}
END

run_files="metrics.csv summary.json resolved.json spec.json plots/curves.svg
  checkpoints/best.safetensors checkpoints/last.safetensors model.safetensors"
sweep_files="trials.csv summary.json best.json model.safetensors resolved.json spec.json plots/parallel.svg
  plots/parameters.svg plots/best-so-far.svg"

# The folder of the one run under out that can be resumed; nothing where there is none.
resumable() {
  local record
  for record in out/small/2*/run.json; do
    [ -e "$record" ] && [ -e "$(dirname "$record")/resolved.json" ] && dirname "$record"
  done | tail -n 1
}

# What each scenario begins with, its command, and the command that goes on after a fault.
begin() {
  rm -rf out
  if [ "$1" = resume ]; then cp -r stopped out; fi
}
command_of() {
  case $1 in
    run) echo small.json --quiet --threads 2 --output out ;;
    resume) echo resume "$(resumable)" --quiet --threads 2 ;;
    sweep) echo sweep sweep.json --quiet -j 2 --output out ;;
  esac
}
recovery_of() {
  case $1 in
    run | resume)
      if [ -n "$(resumable)" ]; then
        echo resume "$(resumable)" --quiet --threads 2
      else
        echo small.json --quiet --threads 2 --output out
      fi
      ;;
    sweep) echo sweep sweep.json --quiet -j 2 --output out --retry-failed ;;
  esac
}

# The files that aren't what an undisturbed run leaves.
differing() {
  local place=out/sweep files=$sweep_files file
  if [ "$1" != sweep ]; then
    place=$(resumable)
    files=$run_files
    # A run's picture is called by its id.
    [ -n "$place" ] && [ "$(readlink out/small/latest)" != "$(basename "$place")" ] && echo latest
  fi
  for file in $files; do
    if [ "$file" = plots/curves.svg ]; then
      [ -s "$place/$file" ] || echo "$file"
    else
      cmp -s "reference-$1/$file" "$place/$file" || echo "$file"
    fi
  done
}

problems=0
problem() {
  problems=$((problems + 1))
  echo "faults: $scenario: $call $n: $fault: $*" >&2
  if [ -s errors ]; then sed 's/^/    /' errors | tail -n 5 >&2; fi
}

"$runner" small.json --quiet --threads 1 --output out > /dev/null
mv "$(resumable)" reference-run
ln -s reference-run reference-resume
# A kernel that OpenBLAS takes at once, so that the program needn't execute itself anew.
OPENBLAS_CORETYPE=$(sed -n 's/.*"kernel": "\(.*\)".*/\1/p' reference-run/run.json)
export OPENBLAS_CORETYPE OPENBLAS_NUM_THREADS=1
rm -rf out
"$runner" small.json --quiet --threads 1 --output stopped --stop-at-step 7 > /dev/null 2>&1 || true
"$runner" sweep sweep.json --quiet -j 1 --output out > /dev/null
mv out/sweep reference-sweep

# How often a process of a command makes a call: counts COMMAND… makes a line for each process.
counts() {
  rm -f trace
  strace -f -qq -o trace -e trace="${names[$call]}" -e signal=none "$@" > /dev/null 2>&1 || true
  awk '!/resumed>/ { print $1 }' trace | sort | uniq -c | awk '{ print $1 }' | sort -n
}

total=0
for scenario in "${scenarios[@]}"; do
  for call in "${calls[@]}"; do
    # What a process does before it begins its work, as ld.so opening libraries, isn't the program's.
    before=$(counts "$runner" --version | tail -n 1)
    [ "$call" = openat ] || before=0
    begin "$scenario"
    # shellcheck disable=SC2046
    most=$(counts "$runner" $(command_of "$scenario") | tail -n 1)
    most=${most:-0}
    offset=0
    for fault in ${faults[$call]} KILL; do
      hits=0 held=$problems
      action="error=$fault"
      [ "$fault" != KILL ] || action="signal=KILL"
      for ((n = ${before:-0} + 1 + offset; n <= most; n += stride)); do
        begin "$scenario"
        rm -f trace
        status=0
        # shellcheck disable=SC2046
        {
          timeout --kill-after=5 60 strace -f -qq -o trace -e trace="${names[$call]}" \
            -e inject="${names[$call]}:$action:when=$n" "$runner" $(command_of "$scenario") \
            > output 2> errors
        } 2> /dev/null || status=$?
        # strace counts the calls of each process and thread apart, so several may be hit at once.
        if [ "$fault" = KILL ]; then
          hit=$(grep -q 'killed by SIGKILL' trace && echo 1 || echo 0)
        else
          hit=$(grep -c INJECTED trace || true)
        fi
        [ "$hit" -gt 0 ] || continue
        hits=$((hits + hit))
        case $status in
          0)
            wrong=$(differing "$scenario")
            [ -z "$wrong" ] || problem "status 0, and not as without the fault:" $wrong
            ;;
          1 | 2 | 3 | 4) [ -s errors ] || [ "$status" = 3 ] || problem "status $status without a word" ;;
          137) [ "$fault" = KILL ] || problem "killed" ;;
          124) problem "it hung" ;;
          *) problem "status $status" ;;
        esac
        # It goes on to the same bytes.
        status=0
        # shellcheck disable=SC2046
        timeout --kill-after=5 60 "$runner" $(recovery_of "$scenario") > output 2> errors || status=$?
        [ "$status" = 0 ] || problem "going on: status $status"
        wrong=$(differing "$scenario")
        [ -z "$wrong" ] || problem "going on came to something else:" $wrong
        left=$(find out tmp \( -name '*.tmp-*' -o -name '.latest' -o -path 'tmp/*' \))
        [ -z "$left" ] || problem "left over:" $left
        for _ in 1 2 3 4 5 6 7 8 9 10; do
          others=$(pgrep -f "^$runner " || true)
          [ -n "$others" ] || break
          sleep 0.2
        done
        [ -z "$others" ] || problem "processes left:" $others
        rm -rf tmp/*
      done
      total=$((total + hits))
      echo "faults: $scenario: $call: $hits calls, $fault: $((problems - held)) problems"
      offset=$(((offset + 1) % stride))
    done
  done
done
[ "$problems" = 0 ] || {
  echo "faults: $problems problems after $total calls that failed or killed" >&2
  exit 1
}
echo "faults: $total calls failed or killed; the invariants held"
