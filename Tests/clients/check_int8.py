"""Asks LiteRT about the images that were written with int8 exports: its reference kernels are to give runner's
numbers bit for bit, XNNPACK's numbers within one unit of them.

    check_int8.py FOLDER [--results RESULTS.md]

An export is a FILE.tflite of the folder with its images and runner's scores of them, FILE.tflite.npz.
"""

import argparse
import importlib.metadata
import pathlib
import sys

import numpy
from ai_edge_litert.interpreter import Interpreter, OpResolverType


def answers(path, images, kernels):
    """q of each image's scores, and the scale and zero point of them."""
    interpreter = Interpreter(str(path), experimental_op_resolver_type=kernels, num_threads=1)
    interpreter.allocate_tensors()
    (given,), (taken,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert taken["dtype"] == numpy.int8
    found = numpy.empty((len(images), taken["shape"][-1]), numpy.int8)
    for i, image in enumerate(images):
        interpreter.set_tensor(given["index"], image[None].astype(given["dtype"]))
        interpreter.invoke()
        found[i] = interpreter.get_tensor(taken["index"])[0]
    return found, taken["quantization"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--results", type=pathlib.Path)
    arguments = parser.parse_args()
    rows, failed = [], False
    for path in sorted(arguments.folder.glob("*.tflite")):
        samples = numpy.load(f"{path}.npz")
        images, scores = samples["images"], samples["scores"]
        reference, (scale, zero) = answers(path, images, OpResolverType.BUILTIN_REF)
        own = numpy.rint(scores / numpy.float32(scale)).astype(int) + zero
        different = int((own != reference).sum())
        fast, _ = answers(path, images, OpResolverType.AUTO)
        distance = numpy.abs(own - fast.astype(int))
        ok = different == 0 and distance.max() <= 1
        failed |= not ok
        accuracy = "unknown"
        if "labels" in samples:
            accuracy = f"{100 * (own.argmax(1) == samples['labels']).mean():.2f} %"
        rows.append(
            (path.stem, len(images), different, int(distance.max()), int((distance > 0).sum()), accuracy)
        )
        print(
            f"{'ok  ' if ok else 'FAIL'} {path.name}: {len(images)} images, {different} of {own.size} numbers "
            f"other than the reference kernels', {rows[-1][4]} other than XNNPACK's by at most "
            f"{rows[-1][3]}, accuracy {accuracy}",
            flush=True,
        )
    if not rows:
        sys.exit("there is nothing to be asked about")
    if arguments.results:
        lines = [
            "# int8 exports, by LiteRT",
            "",
            f"ai-edge-litert {importlib.metadata.version('ai-edge-litert')}; networks after one short epoch, by "
            "[int8.sh](int8.sh). Numbers are the int8 of all scores of all images.",
            "",
            "| export | images | other than the reference kernels' | other than XNNPACK's | by at most | accuracy |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        lines += [
            f"| {name} | {count:,} | {different} | {others:,} | {most} | {accuracy} |"
            for name, count, different, most, others, accuracy in rows
        ]
        arguments.results.write_text("\n".join(lines) + "\n")
    sys.exit(failed)


if __name__ == "__main__":
    main()
