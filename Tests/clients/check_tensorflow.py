"""Opens every SavedModel of a folder of exports with TensorFlow and OpenVINO, in an environment of their
own (requirements-tensorflow.txt): each score is to be within 1e-5 of the largest from runner's own, each
answer the same. The signature `classify` is asked about the images as PNG files.

    check_tensorflow.py FOLDER [RESULTS.md]
"""

import importlib.metadata
import json
import pathlib
import platform
import sys

import numpy
import openvino
import tensorflow

TOLERANCE = 1e-5


def parts(images):
    return [images[i : i + 500] for i in range(0, len(images), 500)]


def softmax(scores):
    powers = numpy.exp((scores - scores.max(1, keepdims=True)).astype(numpy.float64))
    return powers / powers.sum(1, keepdims=True)


def answers(path, export, images, scores):
    """What each program says, and what it should."""
    key = "probabilities" if export["softmax"] else "scores"
    probabilities = scores if export["softmax"] else softmax(scores)
    pixels = images.astype(numpy.float32)
    if not export["preparation"]:
        pixels = pixels * numpy.float32(1 / 255)
    signatures = tensorflow.saved_model.load(str(path)).signatures
    default = [signatures["serving_default"](images=tensorflow.constant(part)) for part in parts(pixels)]
    assert list(default[0]) == [key], list(default[0])
    found = numpy.concatenate([part[key].numpy() for part in default])
    yield "tensorflow, serving_default", found, scores
    one = [
        signatures["serving_default"](images=tensorflow.constant(pixels[i : i + 1]))[key].numpy()
        for i in range(5)
    ]
    yield "tensorflow, one by one", numpy.concatenate(one), scores[:5]
    predicted = [signatures["predict"](images=tensorflow.constant(part)) for part in parts(pixels)]
    classes = numpy.concatenate([part["class"].numpy() for part in predicted])
    assert (classes == scores.argmax(1)).all()
    found = numpy.concatenate([part["probabilities"].numpy() for part in predicted])
    yield "tensorflow, predict", found, probabilities
    if export["preparation"] and images.shape[3] in (1, 3, 4):
        files = [tensorflow.io.encode_png(image.astype(numpy.uint8)) for image in images]
        told = [signatures["classify"](inputs=tensorflow.stack(part)) for part in parts(files)]
        # The likeliest first; the networks here are of digits, whose names are their places.
        names = numpy.concatenate([part["classes"].numpy()[:, 0] for part in told])
        assert [int(name) for name in names] == list(scores.argmax(1))
        ranked = -numpy.sort(-probabilities, axis=1)
        yield "tensorflow, classify", numpy.concatenate([part["scores"].numpy() for part in told]), ranked
    else:
        assert "classify" not in signatures
    # Its own choice is numbers of 16 bits where the processor multiplies these.
    compiled = openvino.Core().compile_model(
        openvino.Core().read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    found = [next(iter(compiled(part).values())).copy() for part in parts(pixels)]
    yield "openvino", numpy.concatenate(found), scores


def check(path, folder):
    """A row of the table for each program; None for one that is not the same."""
    certificate = json.loads(pathlib.Path(f"{path}.json").read_text())
    export = certificate["export"]
    network = pathlib.Path(certificate["model"]["path"]).parent.name
    samples = numpy.load(
        folder / "samples" / f"{network}{'-softmax' if export['softmax'] else ''}.npz")
    ways = ["softmax"] * export["softmax"] + ["batch norms folded"] * export["fold_batch_norm"]
    rows = []
    for program, found, expected in answers(path, export, samples["images"], samples["scores"]):
        assert found.shape == expected.shape, f"{path}: {program} gives {found.shape}"
        difference = float(numpy.abs(found - expected).max() / numpy.abs(expected).max())
        different = int((found.argmax(1) != expected.argmax(1)).sum())
        row = (
            f"| {network} | {', '.join(ways)} | {program} | {len(found)} | "
            f"{certificate['images']['name'] or 'noise'} | {difference:.1e} | {different} |"
        )
        if difference > TOLERANCE or different > 0:
            print("NOT the same:", row, flush=True)
            row = None
        rows.append(row)
    return rows


def main():
    rows = []
    folder = pathlib.Path(sys.argv[1])
    for path in sorted((folder / "exports").glob("*.savedmodel")):
        try:
            rows += check(path, folder)
        except Exception as error:
            print("FAILED:", path.name, repr(error), flush=True)
            rows.append(None)
    failed = rows.count(None)
    if len(sys.argv) > 2:
        versions = [
            f"{name} {importlib.metadata.version(name)}"
            for name in ["tensorflow-cpu", "openvino", "numpy"]
        ]
        head = [
            "# What TensorFlow and OpenVINO make of exported SavedModels",
            "",
            "Written by check_tensorflow.py. The difference is the largest of any score, as a part of "
            "the largest score.",
            "",
            f"Python {platform.python_version()}, {', '.join(versions)}",
            "",
            "| network | options | program | images | of | difference | other answers |",
            "| --- | --- | --- | ---: | --- | ---: | ---: |",
        ]
        rows = [row for row in rows if row]
        pathlib.Path(sys.argv[2]).write_text("\n".join(head + rows) + "\n")
    print(f"{len(rows)} checks, {failed} failed")
    sys.exit(1 if failed or not rows else 0)


main()
