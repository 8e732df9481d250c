"""Does the rate that `runner lr-find` suggests train as well as the best of a grid?

    python experiments/bench/learning_rates.py --output learning_rates.csv
    python experiments/bench/learning_rates.py --output learning_rates.csv --only t0
    python experiments/bench/learning_rates.py --output learning_rates.csv --table > learning_rates.md

Each network learns 6,000 of MNIST's training images for two epochs, at every rate of a grid of quarter
decades around the one it was published with and at the one suggested, with each of three seeds; what
counts is the accuracy on all 10,000 test images. `lr-find` sees the same spec and the same seed. The
suggested rates pass if their mean is no more than half a point below that of the grid's best rate.

Runs whose row the output has already are not done again: delete it, or the rows of another build.
"""

import argparse
import csv
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
COLUMNS = ["network", "learning_rate", "suggested", "seed", "test_accuracy"]
SEEDS = [1, 2, 3]
BOUND = 0.005
DENSE = [
    {"layer": "flatten"}, {"layer": "dense", "units": 128, "activation": "relu"},
    {"layer": "dense", "units": 10},
]


def published(name):
    with open(os.path.join(ROOT, "experiments", f"{name}.json")) as file:
        return json.load(file)


def short(name, spec):
    """A spec of the same network that learns little, for all it has to give."""
    spec = {k: v for k, v in spec.items() if k not in ("$schema", "early_stopping", "expect")}
    spec["name"] = name
    # Two epochs have no plateau, and no images are held out to see one by.
    if spec.get("schedule", {}).get("name") == "reduce_on_plateau":
        del spec["schedule"]
    spec["dataset"] = {"name": "mnist", "train_count": 6000}
    spec["training"] = {"epochs": 2, "batch_size": spec["training"]["batch_size"]}
    return spec


def networks():
    for name in ["t0", "t1", "t2", "t3", "t4", "lenet"]:
        yield name, published(name)
    # So few steps hardly move averages that forget a hundredth in each.
    text = json.dumps(published("resnet"))
    yield "resnet", json.loads(
        text.replace('"layer": "batch_norm"', '"layer": "batch_norm", "momentum": 0.9'))
    for name, optimizer in [
        ("dense", {"name": "adam", "learning_rate": 0.001}),
        ("dense-sgd", {"name": "sgd", "momentum": 0.9, "learning_rate": 0.05}),
    ]:
        yield name, {"model": DENSE, "optimizer": optimizer, "training": {"batch_size": 64}}


def grid(rate):
    """Half a decade below to one above, a quarter of one apart, to three digits."""
    return [float(f"{rate * 10 ** (i / 4):.3g}") for i in range(-2, 5)]


class Runner:
    def __init__(self, path, threads):
        self.path, self.threads = path, threads

    def __call__(self, folder, *arguments):
        done = subprocess.run(
            [self.path, *arguments, "--output", folder, "--threads", str(self.threads)],
            capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def suggestion(self, spec, seed):
        with tempfile.TemporaryDirectory() as folder:
            status, output, errors = self(folder, "lr-find", spec, f"seed={seed}")
            found = re.search(r"^suggested +([0-9.e+-]+)", output, re.M)
            if status != 0 or not found:
                raise SystemExit(f"lr-find {spec} seed={seed}: {output}{errors}")
            return float(found[1].rstrip("."))

    def accuracy(self, spec, name, rate, seed):
        """Of the test images; none where the loss stopped being finite."""
        with tempfile.TemporaryDirectory() as folder:
            status, _, errors = self(
                folder, spec, f"optimizer.learning_rate={rate!r}", f"seed={seed}")
            if status == 1:
                return None
            if status != 0:
                raise SystemExit(f"{name} at {rate}, seed {seed}: {errors}")
            with open(os.path.join(folder, name, "latest", "summary.json")) as file:
                return json.load(file)["test_accuracy"]


def measure(arguments):
    runner = Runner(arguments.runner, arguments.threads)
    known = read(arguments.output) if os.path.exists(arguments.output) else []
    done = {(r["network"], r["learning_rate"], r["suggested"], r["seed"]) for r in known}
    suggested = {(r["network"], r["seed"]) for r in known if r["suggested"] == "yes"}
    with open(arguments.output, "a", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        if not known:
            rows.writerow(COLUMNS)
        with tempfile.TemporaryDirectory() as folder:
            for name, spec in networks():
                if arguments.only and name not in arguments.only.split(","):
                    continue
                path = os.path.join(folder, f"{name}.json")
                with open(path, "w") as stream:
                    json.dump(short(name, spec), stream)
                for seed in SEEDS:
                    rates = [(rate, "no") for rate in grid(spec["optimizer"]["learning_rate"])]
                    if (name, str(seed)) not in suggested:
                        rates.append((runner.suggestion(path, seed), "yes"))
                    for rate, kind in rates:
                        if (name, repr(rate), kind, str(seed)) in done:
                            continue
                        accuracy = runner.accuracy(path, name, rate, seed)
                        rows.writerow([name, repr(rate), kind, seed, accuracy])
                        file.flush()
                        print(name, rate, kind, seed, accuracy, file=sys.stderr, flush=True)


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def table(rows):
    """A line for each network; whether all pass."""
    print("| network | suggested | its accuracy, % | best of the grid | its accuracy, % | apart |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    passes = True

    def mean(rows):
        return statistics.fmean(float(r["test_accuracy"] or 0) for r in rows)

    for name in dict.fromkeys(r["network"] for r in rows):
        own = [r for r in rows if r["network"] == name]
        found = [r for r in own if r["suggested"] == "yes"]
        by_rate = {
            rate: mean([r for r in own if r["learning_rate"] == rate and r["suggested"] == "no"])
            for rate in {r["learning_rate"] for r in own if r["suggested"] == "no"}
        }
        best = max(by_rate, key=lambda rate: (by_rate[rate], -float(rate)))
        apart = mean(found) - by_rate[best]
        passes &= apart >= -BOUND
        rates = ", ".join(f"{float(r['learning_rate']):.2g}" for r in found)
        print(f"| {name} | {rates} | {100 * mean(found):.2f} | {float(best):g} | "
              f"{100 * by_rate[best]:.2f} | {100 * apart:+.2f} |")
    return passes


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", default=os.path.join(ROOT, ".build/release/runner"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", help="networks, with commas between them")
    parser.add_argument("--output", required=True, help="the CSV file of all runs")
    parser.add_argument("--table", action="store_true", help="print what the file says, run nothing")
    arguments = parser.parse_args()
    if not arguments.table:
        measure(arguments)
    if not table(read(arguments.output)):
        raise SystemExit("a suggested rate is more than half a point below the best")


if __name__ == "__main__":
    main()
