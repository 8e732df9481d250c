"""Opens every export of a folder with the programs that it is for, and asks them about the test images: each
score is to be within 1e-5 of the largest from runner's own, each answer the same. What Keras opens compiled is
trained for one step there.

    check.py FOLDER [--count N] [--ways N] [--slow N] [--results RESULTS.md]

FOLDER is one that export.sh filled: an export is an exports/FILE with its certificate FILE.json, and
samples/NETWORK.npz has the images and runner's own scores of them. One export of each network in each format is
asked about all images, or the first N of --count; those that differ from it in options alone about the first N of
--ways, and so is what computes the same network in the same way again: Keras what it reads of another of its
formats and on its second backend, the second C compiler. Programs that take long, those which show what is right
and not what is fast, are asked about the first N of --slow.
"""

import argparse
import collections
import concurrent.futures
import functools
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
import time

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
    yield "onnxruntime", numpy.concatenate(
        [session.run(None, {"images": part})[0] for part in parts(images, 500)]
    )
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
        [evaluator.run(None, {"images": part})[0] for part in parts(images[:slow], 100)]
    )


def parts(images, size):
    """So many at a time, for what keeps all that it works out."""
    return [images[i : i + size] for i in range(0, len(images), size)]


def torch_network(path, images):
    import torch

    torch.set_num_threads(1)
    source = path.with_suffix(".py")
    spec = importlib.util.spec_from_file_location("network", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.load()
    with torch.no_grad():
        found = [network(torch.from_numpy(part)).numpy() for part in parts(images, 500)]
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
    # A batch of any size.
    several = images[:100]
    model = Interpreter(str(path))
    model.resize_tensor_input(model.get_input_details()[0]["index"], several.shape, strict=True)
    model.allocate_tensors()
    (taken,), (given,) = model.get_input_details(), model.get_output_details()
    model.set_tensor(taken["index"], several)
    model.invoke()
    yield "ai-edge-litert, together", model.get_tensor(given["index"])


class Export:
    """A file, what its certificate says, and how many of its images programs are asked about."""

    def __init__(self, path):
        self.path = path
        self.certificate = json.loads(pathlib.Path(f"{path}.json").read_text())
        export = self.certificate["export"]
        self.format, self.softmax = export["format"], export["softmax"]
        self.preparation, self.layout = export["preparation"], export["layout"]
        self.run = path.parent.parent / self.certificate["model"]["path"]
        self.network = self.run.parent.name
        self.ways = [
            name
            for name, is_so in [
                ("NHWC", self.layout == "nhwc"),
                ("softmax", self.softmax),
                ("without preparation", not self.preparation),
                ("batch norms folded", export["fold_batch_norm"]),
            ]
            if is_so
        ]
        # So many are asked about, and so many by what does the same again; None is all.
        self.count = self.again = None

    @property
    def samples(self):
        name = self.network + ("-softmax" if self.softmax else "")
        return samples(self.path.parent.parent / "samples" / f"{name}.npz")

    @property
    def images(self):
        return self.samples["images"][: self.count].astype(numpy.float32)

    @property
    def scores(self):
        return self.samples["scores"][: self.count]


@functools.lru_cache(2)
def samples(path):
    with numpy.load(path) as file:
        return {name: file[name] for name in file.files}


def exports(folder, count, ways):
    """All of a folder, but for SavedModels, which are check_tensorflow.py's. The plainest of a network in a
    format is asked about `count` images, the others about `ways`; None is all. Keras's formats are one."""
    paths = [file.with_suffix("") for file in sorted((folder / "exports").glob("*.json"))]
    found = [Export(path) for path in paths if path.is_file() and pathlib.Path(f"{path}.json").exists()]
    plainest = {}
    for export in sorted(found, key=lambda export: (len(export.ways), export.format != KERAS[0])):
        kind = "keras" if export.format in KERAS else export.format
        is_plainest = plainest.setdefault((export.network, kind), export) is export
        export.count, export.again = count if is_plainest else ways, ways
    return found


KERAS = ["keras", "h5", "keras-weights"]
BACKENDS = ["torch", "jax"]


def ask_keras(backend, folder, counts, answers):
    """Has Keras on a backend write what it says of all that it is for in a folder. A process can have but one
    backend."""
    # Its warnings are of optimizers, which begin anew.
    command = [sys.executable, "-W", "ignore", __file__, "--keras", folder, json.dumps(counts), answers]
    # What jax compiles is run but a few times, and the same again for each format of a network.
    environment = os.environ | {
        "KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1",
        "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
        "JAX_COMPILATION_CACHE_DIR": str(answers / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    subprocess.run(command, env=environment, check=True)


def answer_all_as_keras(folder, counts, answers):
    """What `ask_keras` starts."""
    import absl.logging
    import keras

    absl.logging.set_verbosity(absl.logging.FATAL)

    for export in exports(folder, *counts):
        if export.format not in KERAS:
            continue
        if keras.config.backend() != BACKENDS[0]:
            export.count = export.again
        start = time.monotonic()
        try:
            found = answer_as_keras(export)
        except Exception as error:
            print("FAILED:", export.path.name, keras.config.backend(), repr(error), flush=True)
            continue
        numpy.savez(
            answers / f"{export.path.name}.npz", scores=found, seconds=time.monotonic() - start)
        keras.utils.clear_session()


def answer_as_keras(export):
    """The scores; and what is compiled takes a step."""
    import keras

    path = export.path
    if export.format == "keras-weights":
        text = path.with_name(path.name.removesuffix(".weights.h5") + ".json").read_text()
        model = keras.models.model_from_json(text)
        model.load_weights(path)
    else:
        model = keras.saving.load_model(path)
    images = export.images
    found = model.predict(images, batch_size=500, verbose=0)
    # jax takes long to compile a step; that after a softmax is torch's to take.
    if export.format != "keras-weights" and (keras.config.backend() == "torch" or not export.softmax):
        images = images[:100]
        train_as_keras(export, model, images, export.samples["labels"][: len(images)])
    return found


# What Keras calls the keys of an optimizer.
KEYS = {
    "learning_rate": "learning_rate", "momentum": "momentum", "nesterov": "nesterov",
    "beta_1": "beta_1", "beta_2": "beta_2", "epsilon": "epsilon", "amsgrad": "amsgrad",
    "rho": "rho", "centered": "centered", "clip_norm": "global_clipnorm",
    "weight_decay": "weight_decay", "accumulation": "gradient_accumulation_steps",
}


def train_as_keras(export, model, images, labels):
    """One step with the optimizer and the loss that the run had."""
    path = export.path
    spec = json.loads((export.run / "resolved.json").read_text())
    assert model.compiled, f"{path} is not compiled"
    optimizer, given = spec["optimizer"], model.optimizer.get_config()
    assert type(model.optimizer).__name__.lower() == optimizer["name"].removesuffix("w")
    for key, value in optimizer.items():
        if key in KEYS and value and (key != "accumulation" or value > 1):
            own = given[KEYS[key]]
            assert own is not None and abs(own - value) <= 1e-6 * abs(value), (path, key, own, value)
    scores = model.predict(images, verbose=0).astype(numpy.float64)
    if not export.softmax:
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


def compiled(path, images, slow, export, classes):
    """Each compiler that there is; the first with its sanitizers too."""
    pixel = "unsigned char" if export.preparation else "float"
    answer = "probabilities" if export.softmax else "scores"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shutil.copy(path, folder / "model.h")
        prefix = re.search(r"static float (\w+)_memory", path.read_text()).group(1)
        text = MAIN.replace("@", prefix.upper()).replace("$", prefix)
        text = text.replace("PIXEL)", f"{pixel})").replace("static PIXEL", f"static {pixel}")
        (folder / "main.c").write_text(text.replace("ANSWER", answer))
        # Compilers take some seconds for each million of numbers.
        is_small = path.stat().st_size < 1_500_000
        small = slow if is_small else 0
        strict = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
        fast = ["-O3", "-march=native"]
        again = len(images[: export.again])
        ways = [
            (name, command, count)
            for name, compiler, command, count in [
                ("gcc, C99", "gcc", ["gcc", "-std=c99", "-pedantic", *fast], len(images)),
                ("clang, C11", "clang", ["clang", "-std=c11", "-pedantic", *fast], again),
                ("g++", "g++", ["g++", "-x", "c++", "-O2"], small),
                (
                    "gcc, sanitizers",
                    "gcc",
                    ["gcc", "-O2", "-fsanitize=address,undefined", "-fno-sanitize-recover"],
                    small,
                ),
            ]
            if shutil.which(compiler) and count > 0
        ]
        assert ways, "there is no C compiler"
        if export.ways and not is_small:
            ways = ways[:1]
        for name, command, count in ways:
            subprocess.run(
                command + strict + ["main.c", "-o", "main", "-lm"], cwd=folder, check=True
            )
            taken = images[:count].astype(numpy.uint8 if export.preparation else numpy.float32)
            result = subprocess.run(
                [folder / "main"], input=taken.tobytes(), capture_output=True, check=True
            )
            yield name, numpy.frombuffer(result.stdout, numpy.float32).reshape(-1, classes)


def compare_tensors(path, model):
    """What NumPy reads are the tensors of the run's model, bit for bit."""
    import safetensors.numpy

    wanted = safetensors.numpy.load_file(model)
    with numpy.load(path) as file:
        assert set(wanted) <= set(file.files) and wanted, f"{path} has {file.files}"
        for name, tensor in wanted.items():
            found = file[name]
            assert found.dtype == numpy.float32 and numpy.array_equal(found, tensor), (path, name)


def answers(export, slow):
    """What each program that a format is for says of the images, (images, classes)."""
    path, images = export.path, export.images
    if not export.preparation:
        images = images * numpy.float32(1 / 255)
    first = numpy.ascontiguousarray(images.transpose(0, 3, 1, 2))
    if export.format == "onnx":
        images = first if export.layout == "nchw" else images
        yield from onnx_session(path, images)
        yield from onnx_reference(path, images, slow)
    elif export.format == "pytorch":
        yield from torch_network(path, first)
    elif export.format == "tflite":
        yield from interpreter(path, images, slow)
    elif export.format == "c":
        yield from compiled(path, images, slow, export, export.scores.shape[1])
    elif export.format == "npz":
        compare_tensors(path, export.run / "model.safetensors")
    else:
        sys.exit(f"{path}: no program is known for the format {export.format}")


def check(export, slow):
    """A row of the table for each program."""
    rows, start = [], time.monotonic()
    try:
        for program, found in answers(export, slow):
            rows.append(row(export, program, found, time.monotonic() - start))
            start = time.monotonic()
    except Exception as error:
        print("FAILED:", export.path.name, repr(error), flush=True)
        rows.append(None)
    return rows


def row(export, program, found, seconds):
    expected = export.scores[: len(found)]
    assert found.shape == expected.shape, f"{export.path}: {program} gives {found.shape}"
    difference = float(numpy.abs(found - expected).max() / numpy.abs(expected).max())
    different = int((found.argmax(1) != expected.argmax(1)).sum())
    row = {
        "network": export.network,
        "format": export.format,
        "options": ", ".join(export.ways),
        "program": program,
        "images": len(found),
        "of": export.certificate["images"]["name"] or "noise",
        "difference": difference,
        "different answers": different,
        "passed": difference <= TOLERANCE and different == 0,
        "seconds": seconds,
    }
    if not row["passed"]:
        print("NOT the same:", row, flush=True)
    return row


def check_all(folder, counts, slow):
    """All rows, None for what failed. A thread for each process, and what takes longest first."""
    found = exports(folder, *counts)
    keras = [export for export in found if export.format in KERAS]
    others = [export for export in found if export.format not in KERAS]
    rows = collections.defaultdict(list)
    with concurrent.futures.ProcessPoolExecutor(
        os.cpu_count(), multiprocessing.get_context("spawn")
    ) as pool, tempfile.TemporaryDirectory() as answers:
        answers = pathlib.Path(answers)
        asked = []
        for backend in BACKENDS if keras else []:
            (answers / backend).mkdir()
            asked.append(pool.submit(ask_keras, backend, folder, counts, answers / backend))
        others.sort(key=lambda export: -export.path.stat().st_size)
        checked = [(export, pool.submit(check, export, slow)) for export in others]
        for export, rows_of_it in checked:
            rows[export] += rows_of_it.result()
        for backend in asked:
            backend.result()
        for export in keras:
            for backend in BACKENDS:
                path = answers / backend / f"{export.path.name}.npz"
                if not path.exists():
                    rows[export].append(None)
                    continue
                answer = samples(path)
                rows[export].append(
                    row(export, f"keras on {backend}", answer["scores"], float(answer["seconds"])))
    return [row for export in found for row in rows[export]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int)
    parser.add_argument("--ways", type=int)
    parser.add_argument("--slow", type=int, default=20)
    parser.add_argument("--results", type=pathlib.Path)
    options = parser.parse_args()
    rows = check_all(options.folder, (options.count, options.ways), options.slow)
    failed = [row for row in rows if not row or not row["passed"]]
    rows = [row for row in rows if row]
    if options.results:
        lines = [
            "# What other programs make of exported models",
            "",
            "Written by check.py. The difference is the largest of any score, as a part of the "
            "largest score. What Keras opens whole was also trained for one step there, with the "
            "run's optimizer and loss. Programs that take long (onnx's ReferenceEvaluator, kernels of "
            "TensorFlow Lite that are not XNNPACK's, C with sanitizers and as C++) are asked about the "
            f"first {options.slow} images"
            + (
                f", exports that differ in options alone, and what computes the same again, about {options.ways}"
                if options.ways
                else ""
            )
            + ". What NumPy reads of each .npz are the tensors of the run, bit for bit.",
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
    seconds = collections.Counter()
    for row in rows:
        seconds[row["program"]] += row["seconds"]
    for program, spent in seconds.most_common():
        print(f"{program}: {spent:.0f} s")
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
        answer_all_as_keras(pathlib.Path(sys.argv[2]), json.loads(sys.argv[3]), pathlib.Path(sys.argv[4]))
    else:
        main()
