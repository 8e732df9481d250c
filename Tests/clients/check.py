"""Opens every export of a folder with the programs that it is for, and asks them about the images that
were written with it: each score is to be within 1e-5 of the largest from runner's own, each answer the same.
What Keras opens compiled is trained for one step there.

    check.py FOLDER [--slow N] [--results RESULTS.md]

FOLDER is one that export.sh filled: an export is an exports/FILE with its certificate FILE.json and
FILE.samples.npz. Programs that take long, those which show what is right and not what is fast, are asked
about the first N images.
"""

import argparse
import concurrent.futures
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

import numpy

TOLERANCE = 1e-5
PROGRAMS = [
    "ai-edge-litert", "h5py", "jax", "keras", "numpy", "onnx", "onnxruntime", "safetensors", "torch"
]


def onnx_session(path, images):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )
    yield "onnxruntime", session.run(None, {"images": images})[0]
    # A batch of any size.
    yield "onnxruntime, one by one", numpy.concatenate(
        [session.run(None, {"images": images[i : i + 1]})[0] for i in range(20)]
    )


def onnx_reference(path, images, slow):
    import onnx
    import onnx.checker
    import onnx.reference

    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8 and model.opset_import[0].version == 17
    evaluator = onnx.reference.ReferenceEvaluator(model)
    yield "onnx", numpy.concatenate(
        [evaluator.run(None, {"images": part})[0] for part in parts(images[:slow])]
    )


def parts(images):
    """A hundred at a time, for what keeps all that it works out."""
    return [images[i : i + 100] for i in range(0, len(images), 100)]


def torch_network(path, images):
    import torch

    torch.set_num_threads(1)
    source = path.with_suffix(".py")
    spec = importlib.util.spec_from_file_location("network", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.load()
    with torch.no_grad():
        found = [network(torch.from_numpy(part)).numpy() for part in parts(images)]
        yield "torch", numpy.concatenate(found)


def interpreter(path, images, slow):
    """TensorFlow Lite's kernels: those of XNNPACK, its own, and the plain ones, which say what is right;
    of these some operators have none."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    for name, kind, count in [
        ("ai-edge-litert", OpResolverType.AUTO, len(images)),
        ("ai-edge-litert, own", OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, slow),
        ("ai-edge-litert, reference", OpResolverType.BUILTIN_REF, slow),
    ]:
        try:
            model = Interpreter(str(path), experimental_op_resolver_type=kind)
        except ValueError as error:
            if kind == OpResolverType.BUILTIN_REF and "Didn't find op" in str(error):
                continue
            raise
        model.allocate_tensors()
        (taken,), (given,) = model.get_input_details(), model.get_output_details()
        found = []
        for image in images[:count]:
            model.set_tensor(taken["index"], image[None])
            model.invoke()
            found.append(model.get_tensor(given["index"])[0])
        yield name, numpy.stack(found)


def ask_keras(folder):
    """What Keras on two of its backends says of all that it is for in a folder: by backend and path. A
    process can have but one of them."""
    found = {}
    if not any(folder.glob("*.keras")) and not any(folder.glob("*.h5")):
        return found
    with tempfile.TemporaryDirectory() as answers:
        asked = []
        for backend in ["torch", "jax"]:
            os.mkdir(f"{answers}/{backend}")
            # Its warnings are of optimizers, which begin anew.
            command = [sys.executable, "-W", "ignore", __file__, "--keras", folder, f"{answers}/{backend}"]
            environment = os.environ | {"KERAS_BACKEND": backend}
            asked.append(subprocess.Popen(command, env=environment))
        if any([process.wait() for process in asked]):
            sys.exit("Keras failed")
        for answer in pathlib.Path(answers).glob("*/*.npy"):
            found[answer.parent.name, answer.stem] = numpy.load(answer)
    return found


def answer_as_keras(folder, answers):
    """What `ask_keras` starts."""
    import absl.logging
    import keras

    absl.logging.set_verbosity(absl.logging.ERROR)

    for path in sorted(folder.glob("*.keras")) + sorted(folder.glob("*.h5")):
        if path.name.endswith(".weights.h5"):
            text = path.with_name(path.name.removesuffix(".weights.h5") + ".json").read_text()
            model = keras.models.model_from_json(text)
            model.load_weights(path)
        else:
            model = keras.saving.load_model(path)
        samples = numpy.load(f"{path}.samples.npz")
        images = samples["images"].astype(numpy.float32)
        found = model.predict(images, batch_size=100, verbose=0)
        numpy.save(pathlib.Path(answers) / f"{path.name}.npy", found)
        if not path.name.endswith(".weights.h5"):
            train_as_keras(path, model, images[:100], samples["labels"][:100])


# What Keras calls the keys of an optimizer.
KEYS = {
    "learning_rate": "learning_rate", "momentum": "momentum", "nesterov": "nesterov",
    "beta_1": "beta_1", "beta_2": "beta_2", "epsilon": "epsilon", "amsgrad": "amsgrad",
    "rho": "rho", "centered": "centered", "clip_norm": "global_clipnorm",
    "weight_decay": "weight_decay", "accumulation": "gradient_accumulation_steps",
}


def train_as_keras(path, model, images, labels):
    """One step with the optimizer and the loss that the run had."""
    certificate = json.loads(pathlib.Path(f"{path}.json").read_text())
    run = path.parent.parent / certificate["model"]["path"]
    spec = json.loads((run / "resolved.json").read_text())
    assert model.compiled, f"{path} is not compiled"
    optimizer, given = spec["optimizer"], model.optimizer.get_config()
    assert type(model.optimizer).__name__.lower() == optimizer["name"].removesuffix("w")
    for key, value in optimizer.items():
        if key in KEYS and value and (key != "accumulation" or value > 1):
            own = given[KEYS[key]]
            assert own is not None and abs(own - value) <= 1e-6 * abs(value), (path, key, own, value)
    scores = model.predict(images, verbose=0).astype(numpy.float64)
    if not certificate["export"]["softmax"]:
        powers = numpy.exp(scores - scores.max(1, keepdims=True))
        scores = powers / powers.sum(1, keepdims=True)
    smoothing = 0 if isinstance(spec["loss"], str) else spec["loss"].get("label_smoothing", 0)
    classes = scores.shape[1]
    wanted = numpy.eye(classes)[labels] * (1 - smoothing) + smoothing / classes
    loss = -(wanted * numpy.log(numpy.maximum(scores, 1e-30))).sum(1).mean()
    # With smoothing Keras takes rows.
    truth = numpy.eye(classes, dtype=numpy.float32)[labels] if smoothing else labels
    measured = model.evaluate(images, truth, batch_size=100, verbose=0, return_dict=True)
    assert abs(measured["loss"] - loss) <= 1e-4 * max(1, loss), (path, measured, loss)
    assert abs(measured["accuracy"] - (scores.argmax(1) == labels).mean()) < 1e-6, (path, measured)
    before = model.get_weights()
    model.fit(images, truth, batch_size=100, epochs=1, verbose=0)
    pairs = zip(before, model.get_weights())
    assert any((old != new).any() for old, new in pairs), f"{path}: nothing learns"


MAIN = """
#include <stdio.h>
#include "model.h"

int main(void) {
  static PIXEL pixels[@_PIXELS];
  float scores[@_CLASSES];
  while (fread(pixels, sizeof(PIXEL), @_PIXELS, stdin) == @_PIXELS) {
    int most = 0;
    $_ANSWER(pixels, scores);
    for (int i = 1; i < @_CLASSES; i++)
      if (scores[i] > scores[most]) most = i;
    if ($_classify(pixels) != most || !$_class_name(most)[0]) return 1;
    fwrite(scores, sizeof(float), @_CLASSES, stdout);
  }
  return 0;
}
"""


def compiled(path, images, export, classes):
    """Each compiler that there is; the first with its sanitizers too."""
    pixel = "unsigned char" if export["preparation"] else "float"
    answer = "probabilities" if export["softmax"] else "scores"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shutil.copy(path, folder / "model.h")
        prefix = re.search(r"static float (\w+)_memory", path.read_text()).group(1)
        text = MAIN.replace("@", prefix.upper()).replace("$", prefix)
        text = text.replace("PIXEL)", f"{pixel})").replace("static PIXEL", f"static {pixel}")
        (folder / "main.c").write_text(text.replace("ANSWER", answer))
        # Compilers take some seconds for each million of numbers.
        small = 20 if path.stat().st_size < 1_500_000 else 0
        strict = ["-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2"]
        ways = [
            (name, command, count)
            for name, compiler, command, count in [
                ("gcc, C99", "gcc", ["gcc", "-std=c99", "-pedantic"], len(images)),
                ("clang, C11", "clang", ["clang", "-std=c11", "-pedantic"], len(images)),
                ("g++", "g++", ["g++", "-x", "c++"], small),
                (
                    "gcc, sanitizers",
                    "gcc",
                    ["gcc", "-fsanitize=address,undefined", "-fno-sanitize-recover"],
                    small,
                ),
            ]
            if shutil.which(compiler) and count > 0
        ]
        assert ways, "there is no C compiler"
        for name, command, count in ways:
            subprocess.run(
                command + strict + ["main.c", "-o", "main", "-lm"], cwd=folder, check=True
            )
            taken = images[:count].astype(numpy.uint8 if export["preparation"] else numpy.float32)
            result = subprocess.run(
                [folder / "main"], input=taken.tobytes(), capture_output=True, check=True
            )
            yield name, numpy.frombuffer(result.stdout, numpy.float32).reshape(-1, classes)


def numpy_tensors(path):
    with numpy.load(path) as file:
        return {name: file[name] for name in file.files}


def answers(path, certificate, samples, keras, slow):
    """What each program that a format is for says of the images, (images, classes)."""
    export = certificate["export"]
    images = samples["images"].astype(numpy.float32)
    if not export["preparation"]:
        images = images * numpy.float32(1 / 255)
    first = numpy.ascontiguousarray(images.transpose(0, 3, 1, 2))
    if export["format"] == "onnx":
        images = first if export["layout"] == "nchw" else images
        yield from onnx_session(path, images)
        yield from onnx_reference(path, images, slow)
    elif export["format"] == "pytorch":
        yield from torch_network(path, first)
    elif export["format"] == "tflite":
        yield from interpreter(path, images, slow)
    elif export["format"] in ["keras", "keras-weights", "h5"]:
        for backend in ["torch", "jax"]:
            yield f"keras on {backend}", keras[backend, path.name]
    elif export["format"] == "c":
        yield from compiled(path, images, export, samples["scores"].shape[1])
    elif export["format"] == "npz":
        tensors = numpy_tensors(path)
        assert all(t.dtype == numpy.float32 for t in tensors.values()) and tensors
    else:
        sys.exit(f"{path}: no program is known for the format {export['format']}")


def check(path, keras, slow):
    """A row of the table for each program."""
    rows = list(checks(path, keras, slow))
    for row in rows:
        if not row["passed"]:
            print("NOT the same:", row, flush=True)
    return rows


def checks(path, keras, slow):
    certificate = json.loads(pathlib.Path(f"{path}.json").read_text())
    samples = numpy.load(f"{path}.samples.npz")
    export = certificate["export"]
    scores = samples["scores"]
    said = [
        name
        for name, is_so in [
            ("NHWC", export["layout"] == "nhwc"),
            ("softmax", export["softmax"]),
            ("without preparation", not export["preparation"]),
            ("batch norms folded", export["fold_batch_norm"]),
        ]
        if is_so
    ]
    for program, found in answers(path, certificate, samples, keras, slow):
        expected = scores[: len(found)]
        assert found.shape == expected.shape, f"{path}: {program} gives {found.shape}"
        difference = float(numpy.abs(found - expected).max() / numpy.abs(expected).max())
        different = int((found.argmax(1) != expected.argmax(1)).sum())
        yield {
            "network": certificate["model"]["name"],
            "format": export["format"],
            "options": ", ".join(said),
            "program": program,
            "images": len(found),
            "of": certificate["images"]["name"] or "noise",
            "difference": difference,
            "different answers": different,
            "passed": difference <= TOLERANCE and different == 0,
        }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--slow", type=int, default=20)
    parser.add_argument("--results", type=pathlib.Path)
    options = parser.parse_args()
    folder = options.folder / "exports"
    keras = ask_keras(folder)
    # SavedModels are check_tensorflow.py's.
    paths = [certificate.with_suffix("") for certificate in sorted(folder.glob("*.json"))]
    paths = [path for path in paths if path.is_file()]
    rows = []
    # One thread each, and the largest first.
    with concurrent.futures.ProcessPoolExecutor(
        os.cpu_count(), multiprocessing.get_context("spawn")
    ) as pool:
        order = sorted(paths, key=lambda path: -path.stat().st_size)
        found = {
            path: pool.submit(
                check, path, {key: keras[key] for key in keras if key[1] == path.name},
                options.slow)
            for path in order
        }
        for path in paths:
            rows += found[path].result()
    failed = [row for row in rows if not row["passed"]]
    if options.results:
        lines = [
            "# What other programs make of exported models",
            "",
            "Written by check.py. The difference is the largest of any score, as a part of the "
            "largest score. What Keras opens whole was also trained for one step there, with the "
            "run's optimizer and loss.",
            "",
            "Python " + platform.python_version() + ", " + ", ".join(versions()),
            "",
            "| network | format | options | program | images | of | difference | other answers |",
            "| --- | --- | --- | --- | ---: | --- | ---: | ---: |",
        ]
        for row in rows:
            lines.append(
                f"| {row['network']} | {row['format']} | {row['options']} | {row['program']} | "
                f"{row['images']} | {row['of']} | {row['difference']:.1e} | "
                f"{row['different answers']} |"
            )
        options.results.write_text("\n".join(lines) + "\n")
    print(f"{len(rows)} checks, {len(failed)} failed")
    sys.exit(1 if failed or not rows else 0)


def versions():
    here = pathlib.Path(__file__).parent
    for line in "".join(
        (here / name).read_text() for name in ["requirements.txt", "requirements-alone.txt"]
    ).splitlines():
        name = line.split("==")[0]
        if "==" in line and name in PROGRAMS:
            yield f"{name} {importlib.metadata.version(name)}"


if __name__ == "__main__":
    if sys.argv[1] == "--keras":
        answer_as_keras(pathlib.Path(sys.argv[2]), sys.argv[3])
    else:
        main()
