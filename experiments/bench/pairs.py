"""What layers.py and augmentations.py share: runner and a peer measured in turns, as a table and CSV."""

import argparse
import csv
import json
import os
import statistics
import subprocess
import tempfile

from bench import machine

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BATCH = 64


def bench(runner, threads, spec, *flags):
    """What `runner bench` measures of an experiment of one short epoch: `layers` has a row for each,
    and for the input."""
    spec = {
        "optimizer": {"name": "sgd", "learning_rate": 1e-6},
        "training": {"epochs": 1, "batch_size": BATCH}, **spec,
    }
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "spec.json")
        with open(file, "w") as stream:
            json.dump(spec, stream)
        process = subprocess.run(
            [runner, "bench", file, *flags, "--threads", str(threads), "--format", "json"],
            capture_output=True, text=True,
        )
    if process.returncode != 0:
        raise SystemExit(f"runner bench ended with status {process.returncode}\n{process.stderr}")
    return json.loads(process.stdout)


def race(what, peer, library, about, cases):
    """Measures all cases: (name, image, ours, theirs), the last two giving microseconds per image.

    Medians over the rounds, in which the two take turns. `about` tells of the peer's version, its
    threads and its kernels.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", default=os.path.join(ROOT, ".build/release/runner"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--output")
    arguments = parser.parse_args()
    own = bench(arguments.runner, arguments.threads, {
        "name": "about", "dataset": {"name": "synthetic_digits", "train_count": 64, "test_count": 64},
        "model": [{"layer": "flatten"}, {"layer": "dense", "units": 10}],
    })
    host = machine()
    print(f"{host['cpu']}, {host['cores']} cores; medians of {arguments.rounds} round(s).\n")
    print(f"- runner: {own['threads']} thread(s), OpenBLAS {own['openblas']} {own['kernel']}")
    print(f"- {peer}: {about(arguments.threads)}\n")
    rows = []
    print(f"| {what} | image | µs, runner | µs, {peer} | ratio |\n| --- | --- | ---: | ---: | ---: |")
    for name, image, ours, theirs in cases:
        if arguments.only not in name:
            continue
        times = {"runner": [], library: []}
        for _ in range(arguments.rounds):
            times["runner"].append(ours(arguments.runner, arguments.threads))
            times[library].append(theirs(arguments.threads))
        a, b = (statistics.median(t) for t in times.values())
        print(f"| {name} | {image} | {a:.1f} | {b:.1f} | {b / a:.1f} |", flush=True)
        rows += [[name, image, who, t] for who, ts in times.items() for t in ts]
    if arguments.output:
        with open(arguments.output, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([what, "image", "library", "microseconds_per_image"])
            writer.writerows(rows)
