"""Opens every export of a folder with the programs that it is for, and asks them about the images that
were written with it: each score is to be within 1e-5 of the largest from runner's own, each answer the same.

    check.py FOLDER [RESULTS.md]

An export is a FILE with its certificate FILE.json and FILE.samples.npz.
"""

import importlib.metadata
import importlib.util
import json
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


def onnx_session(path, images, layout):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )
    yield "onnxruntime", session.run(None, {"images": images})[0]
    # A batch of any size.
    yield "onnxruntime, one by one", numpy.concatenate(
        [session.run(None, {"images": images[i : i + 1]})[0] for i in range(20)]
    )


def onnx_reference(path, images, layout):
    import onnx
    import onnx.checker
    import onnx.reference

    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8 and model.opset_import[0].version == 17
    evaluator = onnx.reference.ReferenceEvaluator(model)
    yield "onnx", evaluator.run(None, {"images": images[:20]})[0]


def torch_network(path, images):
    import torch

    source = path.with_suffix(".py")
    spec = importlib.util.spec_from_file_location("network", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.load()
    with torch.no_grad():
        yield "torch", network(torch.from_numpy(images)).numpy()


def interpreter(path, images):
    """TensorFlow Lite's kernels: those of XNNPACK, its own, and the plain ones, which say what is right;
    of these some operators have none."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    for name, kind, count in [
        ("ai-edge-litert", OpResolverType.AUTO, len(images)),
        ("ai-edge-litert, own", OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, 20),
        ("ai-edge-litert, reference", OpResolverType.BUILTIN_REF, 20),
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
    for backend in ["torch", "jax"]:
        with tempfile.TemporaryDirectory() as answers:
            environment = os.environ | {"KERAS_BACKEND": backend}
            subprocess.run(
                [sys.executable, __file__, "--keras", folder, answers], env=environment, check=True
            )
            for answer in pathlib.Path(answers).iterdir():
                found[backend, answer.stem] = numpy.load(answer)
    return found


def answer_as_keras(folder, answers):
    """What `ask_keras` starts."""
    import keras

    for path in sorted(folder.glob("*.keras")) + sorted(folder.glob("*.h5")):
        if path.name.endswith(".weights.h5"):
            text = path.with_name(path.name.removesuffix(".weights.h5") + ".json").read_text()
            model = keras.models.model_from_json(text)
            model.load_weights(path)
        else:
            model = keras.saving.load_model(path)
        images = numpy.load(f"{path}.samples.npz")["images"].astype(numpy.float32)
        found = model.predict(images, batch_size=100, verbose=0)
        numpy.save(pathlib.Path(answers) / f"{path.name}.npy", found)


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
        strict = ["-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2"]
        ways = [
            (name, command, count)
            for name, compiler, command, count in [
                ("gcc, C99", "gcc", ["gcc", "-std=c99", "-pedantic"], len(images)),
                ("clang, C11", "clang", ["clang", "-std=c11", "-pedantic"], len(images)),
                ("g++", "g++", ["g++", "-x", "c++"], 20),
                (
                    "gcc, sanitizers",
                    "gcc",
                    ["gcc", "-fsanitize=address,undefined", "-fno-sanitize-recover"],
                    20,
                ),
            ]
            if shutil.which(compiler)
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


def answers(path, certificate, samples, keras):
    """What each program that a format is for says of the images, (images, classes)."""
    export = certificate["export"]
    images = samples["images"].astype(numpy.float32)
    if not export["preparation"]:
        images = images * numpy.float32(1 / 255)
    first = numpy.ascontiguousarray(images.transpose(0, 3, 1, 2))
    if export["format"] == "onnx":
        images = first if export["layout"] == "nchw" else images
        yield from onnx_session(path, images, export["layout"])
        yield from onnx_reference(path, images, export["layout"])
    elif export["format"] == "pytorch":
        yield from torch_network(path, first)
    elif export["format"] == "tflite":
        yield from interpreter(path, images)
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


def check(path, keras):
    """A row of the table for each program."""
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
    for program, found in answers(path, certificate, samples, keras):
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
    folder = pathlib.Path(sys.argv[1])
    rows = []
    keras = ask_keras(folder)
    for certificate in sorted(folder.glob("*.json")):
        # SavedModels are check_tensorflow.py's.
        if not certificate.with_suffix("").is_file():
            continue
        for row in check(certificate.with_suffix(""), keras):
            rows.append(row)
            if not row["passed"]:
                print("NOT the same:", row, flush=True)
    failed = [row for row in rows if not row["passed"]]
    if len(sys.argv) > 2:
        lines = [
            "# What other programs make of exported models",
            "",
            "Written by check.py. The difference is the largest of any score, as a part of the "
            "largest score.",
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
        pathlib.Path(sys.argv[2]).write_text("\n".join(lines) + "\n")
    print(f"{len(rows)} checks, {len(failed)} failed")
    sys.exit(1 if failed or not rows else 0)


def versions():
    requirements = pathlib.Path(__file__).with_name("requirements.txt").read_text()
    for line in requirements.splitlines():
        if "==" in line:
            name = line.split("==")[0]
            yield f"{name} {importlib.metadata.version(name)}"


if sys.argv[1] == "--keras":
    answer_as_keras(pathlib.Path(sys.argv[2]), sys.argv[3])
else:
    main()
