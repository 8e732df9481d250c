"""Makes a table that samplers are compared on from a sweep over a grid.

    runner sweep experiments/sweeps/recorded.json
    python experiments/bench/recorded_table.py results/recorded > recorded.csv
    python experiments/bench/samplers.py --functions branin,hartmann6,recorded.csv

A column for each parameter, headed NAME:log, NAME:linear or NAME:choice, and one for the loss: the
sweep's metric in the best epoch, 1 minus it for an accuracy; empty where a trial has none.
"""

import csv
import json
import os
import sys


def main(folder):
    with open(os.path.join(folder, "resolved.json")) as file:
        spec = json.load(file)
    metric = spec["metric"]
    columns = []
    for path, parameter in spec["parameters"].items():
        kind = "choice" if "choice" in parameter else parameter.get("scale", "linear")
        columns.append((path, f"{path.split('.')[-1].lstrip('$')}:{kind}"))
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow([head for _, head in columns] + ["loss"])
    with open(os.path.join(folder, "trials.csv"), newline="") as file:
        for row in csv.DictReader(file):
            loss = row[f"best_{metric}"]
            if loss and metric.endswith("accuracy"):
                loss = repr(1 - float(loss))
            table.writerow([row[path] for path, _ in columns] + [loss])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
