"""Compares how fast sweeps run: runner's with one and two jobs, and Optuna's with PyTorch.

    experiments/bench/.venv/bin/python -m pip install optuna==5.0.0   # beside what bench.sh installs
    experiments/bench/.venv/bin/python experiments/bench/sweeps.py --data DIR

A trial trains t0 for an epoch on 48,000 images of MNIST, at a random learning rate, and reads its
accuracy on the other 12,000. Each sweep has the same number of trials, at one thread each:

- runner with one job, and with as many as `--jobs` says; from the start of the program to its end;
- as many processes as jobs that share an Optuna study (`JournalStorage`), each with PyTorch on one
  thread in the memory format that is faster here; from when all of them have imported their
  libraries, loaded the images and warmed up, to the end of the last trial.

They take turns in every round; figures are medians over the rounds. Writes sweeps.md and sweeps.csv
to --output.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import mnist
from bench import Failure, machine, say
from peers import Torch, fastest

RATES = (1e-4, 1e-2)
TRAINING = 48_000


# --- Ours ---------------------------------------------------------------------------------------


def ours(jobs):
    """Seconds of a sweep of runner's."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "sweep.json")
        with open(path, "w") as file:
            json.dump({
                "name": "sweep", "base": os.path.join(ROOT, "experiments", "t0.json"),
                "set": {"training.epochs": 1},
                "parameters": {"optimizer.learning_rate": {"range": RATES, "scale": "log"}},
                "sampler": {"name": "random"}, "trials": ARGUMENTS.trials, "confirm": 0,
            }, file)
        command = [ARGUMENTS.runner, "sweep", path, "-j", str(jobs), "--quiet", "--output", folder]
        start = time.perf_counter()
        done = subprocess.run(
            command, capture_output=True, text=True,
            env={**os.environ, "RUNNER_DATA": ARGUMENTS.data},
        )
        taken = time.perf_counter() - start
        if done.returncode != 0:
            raise Failure(f"{' '.join(command)}: status {done.returncode}\n{done.stderr.strip()}")
        with open(os.path.join(folder, "sweep", "trials.csv"), newline="") as file:
            if sum(row["status"] == "completed" for row in csv.DictReader(file)) != ARGUMENTS.trials:
                raise Failure(f"{' '.join(command)}: not every trial was completed")
        return taken


# --- Optuna with PyTorch ------------------------------------------------------------------------


def study(path):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path))
    return optuna.create_study(
        storage=storage, study_name="sweep", direction="maximize", load_if_exists=True,
        sampler=optuna.samplers.RandomSampler(),
    )


def work():
    """One process of the study: says what it is, waits for a line, and runs its trials."""
    one_thread = argparse.Namespace(network="t0", threads=1, data=ARGUMENTS.data)
    formats = {
        name: Torch(one_thread, channels_last=last)
        for name, last in (("contiguous", False), ("channels_last", True))
    }
    name = fastest(list(formats), lambda name: formats[name].epoch(6400))
    torch = formats[name]
    images, labels = torch.train
    torch.train = (images[:TRAINING], labels[:TRAINING])
    torch.test = (images[TRAINING:], labels[TRAINING:])

    def objective(trial):
        torch.build(trial.suggest_float("learning_rate", *RATES, log=True))
        torch.epoch()
        return torch.evaluate()["accuracy"]

    shared = study(ARGUMENTS.work)
    about = torch.about()
    print(json.dumps({"format": name, **about}), flush=True)
    sys.stdin.readline()
    shared.optimize(objective, n_trials=ARGUMENTS.trials)
    print("done", flush=True)


def optuna(jobs):
    """Seconds of a study's trials, and what ran them."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "journal.log")
        share, rest = divmod(ARGUMENTS.trials, jobs)
        processes = []
        for number in range(jobs):
            trials = share + (number < rest)
            processes.append(subprocess.Popen(
                [sys.executable, os.path.abspath(__file__), "--work", path, "--trials", str(trials),
                 "--data", ARGUMENTS.data],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
            ))

        def answers():
            lines = [process.stdout.readline() for process in processes]
            if not all(lines):
                raise Failure("a process of the study ended; its error is above")
            return lines

        about = json.loads(answers()[0])
        start = time.perf_counter()
        for process in processes:
            process.stdin.write("begin\n")
            process.stdin.flush()
        answers()
        taken = time.perf_counter() - start
        for process in processes:
            process.wait()
        if len(study(path).trials) != ARGUMENTS.trials:
            raise Failure("the study has not all of its trials")
        return taken, about


# --- Both ---------------------------------------------------------------------------------------


def markdown(times, about):
    host = machine()
    medians = {name: statistics.median(values) for name, values in times.items()}
    one, many, peer = ARGUMENTS.names
    lines = [
        f"{host['cpu']}, {host['cores']} cores, {host['system']}, {host['time'][:10]}; "
        f"{ARGUMENTS.trials} trials, each an epoch of t0 on one thread; "
        f"medians of {ARGUMENTS.rounds} round(s).",
        "",
        f"PyTorch: {about['library']}, {about['kernel']}, {about['format']}.",
        "",
        "| sweep | seconds | trials per hour |",
        "| --- | ---: | ---: |",
    ]
    for name, seconds in medians.items():
        lines.append(f"| {name} | {seconds:.1f} | {ARGUMENTS.trials / seconds * 3600:.0f} |")
    lines += [
        "",
        f"{ARGUMENTS.jobs} jobs are {medians[one] / medians[many]:.2f} times as fast as one; "
        f"{medians[peer] / medians[many]:.2f} times as fast as Optuna with PyTorch.",
    ]
    return "\n".join(lines) + "\n"


def compare():
    one, many, peer = ARGUMENTS.names
    times = {name: [] for name in ARGUMENTS.names}
    for number in range(ARGUMENTS.rounds):
        for name in ARGUMENTS.names[number % 3:] + ARGUMENTS.names[: number % 3]:
            time.sleep(1)
            if name == peer:
                taken, about = optuna(ARGUMENTS.jobs)
            else:
                taken = ours(ARGUMENTS.jobs if name == many else 1)
            times[name].append(taken)
            say(f"round {number + 1} of {ARGUMENTS.rounds}: {name}: {taken:.1f} s")
    os.makedirs(ARGUMENTS.output, exist_ok=True)
    table = markdown(times, about)
    with open(os.path.join(ARGUMENTS.output, "sweeps.md"), "w") as file:
        file.write(table)
    with open(os.path.join(ARGUMENTS.output, "sweeps.csv"), "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["sweep", "round", "trials", "seconds"])
        for name, values in times.items():
            for number, value in enumerate(values, 1):
                rows.writerow([name, number, ARGUMENTS.trials, value])
    print(table, end="")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", default=os.environ.get("RUNNER_DATA", os.path.join(ROOT, "data")))
    parser.add_argument("--runner", default=os.path.join(ROOT, ".build", "release", "runner"))
    parser.add_argument("--output", default=os.path.join(ROOT, "results", "bench", "sweeps"))
    parser.add_argument("--work", help=argparse.SUPPRESS)
    found = parser.parse_args()
    found.names = [
        "runner, 1 job", f"runner, {found.jobs} jobs",
        f"Optuna with PyTorch, {found.jobs} processes",
    ]
    found.data = os.path.abspath(found.data)
    mnist.folder(found.data)
    return found


if __name__ == "__main__":
    ARGUMENTS = arguments()
    try:
        work() if ARGUMENTS.work else compare()
    except Failure as error:
        sys.exit(str(error))
