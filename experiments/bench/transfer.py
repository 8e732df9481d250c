"""How much does a network gain from what it has learned elsewhere, where there are few images?

    python experiments/bench/transfer.py --output transfer.csv
    python experiments/bench/transfer.py --output transfer.csv --table > transfer.md

experiments/transfer.json, which begins with a network that has learned drawn digits
(experiments/synthetic-to-mnist.json), learns 1, 10 and 100 of MNIST's images of each class: from scratch
(initial=null), with all of its layers, with its convolutions frozen and what they give kept, and with
its last layer alone. Each of five seeds draws other images and orders them otherwise; all begin with the
same network. What counts is the accuracy on all 10,000 test images after as many steps for each way.

Runs whose row the output has already are not done again.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
COLUMNS = ["per_class", "way", "seed", "test_accuracy", "test_loss"]
SEEDS = [1, 2, 3, 4, 5]
PER_CLASS = [1, 10, 100]
WAYS = {
    "from scratch": ["initial=null"],
    "all layers": [],
    "convolutions frozen": ['initial.frozen=["conv2d_*"]', "initial.features=flatten_0"],
    "last layer": ["initial.frozen=all_but_last", "initial.features=dense_0"],
}


def measure(arguments):
    known = read(arguments.output) if os.path.exists(arguments.output) else []
    done = {(r["per_class"], r["way"], r["seed"]) for r in known}
    with open(arguments.output, "a", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        if not known:
            rows.writerow(COLUMNS)
        for count in PER_CLASS:
            for way, overrides in WAYS.items():
                for seed in SEEDS:
                    if (str(count), way, str(seed)) in done:
                        continue
                    rows.writerow([count, way, seed, *run(arguments, count, overrides, seed)])
                    file.flush()
                    print(count, way, seed, file=sys.stderr, flush=True)


def run(arguments, count, overrides, seed):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [arguments.runner, os.path.join(ROOT, "experiments", "transfer.json"), "--quiet",
             "--threads", str(arguments.threads), "--output", folder, f"seed={seed}",
             f"dataset.subset_seed={seed}", f"dataset.per_class={count}",
             "dataset.when_unavailable=null", *overrides],
            check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, "transfer", "latest", "summary.json")) as file:
            summary = json.load(file)
        return summary["test_accuracy"], summary["test_loss"]


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def table(rows):
    print("| images | " + " | ".join(WAYS) + " |")
    print("| ---: |" + " ---: |" * len(WAYS))
    for count in PER_CLASS:
        cells = []
        for way in WAYS:
            values = [
                100 * float(r["test_accuracy"]) for r in rows
                if r["per_class"] == str(count) and r["way"] == way
            ]
            cells.append(f"{statistics.fmean(values):.2f} ± {statistics.stdev(values):.2f}")
        print(f"| {10 * count:,} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", default=os.path.join(ROOT, ".build/release/runner"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", required=True, help="the CSV file of all runs")
    parser.add_argument("--table", action="store_true", help="print what the file says, run nothing")
    arguments = parser.parse_args()
    if not arguments.table:
        measure(arguments)
    table(read(arguments.output))


if __name__ == "__main__":
    main()
