"""Quantises runs by runner and by Google's ai-edge-quantizer, from the same floats, and tests both.

    python experiments/bench/quantizers.py RUN… [--count 500]

RUN is the folder of a run of MNIST, such as results/t0/latest. Both take ranges of the same training images, at
equal distances, 8-bit weights per filter and 8-bit values: ai-edge-quantizer's static_wi8_ai8 on the .tflite that
`runner export` writes, answered by LiteRT with XNNPACK. Needs ai-edge-quantizer, numpy, a release build of runner,
and MNIST under $RUNNER_DATA.
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe

import mnist

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def accuracy(path, images, labels):
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    given, told = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    right = 0
    for image, label in zip(images, labels):
        if given["dtype"] == np.int8:
            scale, zero = given["quantization"]
            image = np.clip(np.round(image / scale) + zero, -128, 127)
        interpreter.set_tensor(given["index"], image[None].astype(given["dtype"]))
        interpreter.invoke()
        right += int(interpreter.get_tensor(told["index"])[0].argmax() == label)
    return right / len(labels)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--runner", default=str(ROOT / ".build/release/runner"))
    parser.add_argument("--data", default=os.environ.get("RUNNER_DATA", "data"))
    parser.add_argument("--count", type=int, default=500)
    arguments = parser.parse_args()
    train, _ = mnist.load(arguments.data, "train")
    test, labels = mnist.load(arguments.data, "test")
    shape = (-1, 28, 28, 1)
    test = (test * 255).round().reshape(shape).astype(np.float32)
    train = (train * 255).round().reshape(shape).astype(np.float32)
    chosen = train[[i * len(train) // arguments.count for i in range(arguments.count)]]

    def run(*words):
        done = subprocess.run([arguments.runner, *map(str, words)], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        return done.stdout

    print("| run | floats | runner | runner, adaptive, bias corrected | ai-edge-quantizer | bytes | its bytes |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for place, source in enumerate(arguments.runs):
            plain, theirs = folder / f"{place}.tflite", folder / f"{place}-theirs.tflite"
            run("export", source, plain, "--count", 20)
            other = quantizer.Quantizer(str(plain))
            other.load_quantization_recipe(recipe.static_wi8_ai8())
            key, signature = next(iter(Interpreter(str(plain)).get_signature_list().items()))
            name = signature["inputs"][0]
            with contextlib.redirect_stdout(sys.stderr):
                seen = other.calibrate({key: [{name: image[None]} for image in chosen]})
                other.quantize(seen).export_model(str(theirs), overwrite=True)
            cells, own = [], folder / f"{place}.int8.safetensors"
            for ways in ([], ["rounding=adaptive", "bias_correction=true"]):
                told = json.loads(run("quantize", source, f"images={arguments.count}", *ways, "--to", own,
                                      "--format", "json"))
                told = told if "accuracy_after" in told else told.get("facts", told)
                cells.append(told["accuracy_after"])
            title = json.loads((pathlib.Path(source) / "run.json").read_text())
            figures = [told["accuracy_before"], *cells, accuracy(theirs, test, labels)]
            print(f"| {title['name']}, seed {title['seed']} | "
                  + " | ".join(f"{100 * f:.2f}" for f in figures)
                  + f" | {own.stat().st_size:,} | {theirs.stat().st_size:,} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
