"""Opens every export of a folder with the programs that it is for, and asks them about the test images: each
score is to be within 1e-5 of the largest from runner's own, each answer the same. What Keras opens compiled is
trained for one step there.

    check.py FOLDER [--count N] [--ways N] [--slow N] [--results RESULTS.md]

FOLDER is one that export.sh filled: an export is an exports/FILE with its certificate FILE.json, and
samples/NETWORK.npz has the images and runner's own scores of them. One export of each network in each format is
asked about all images, or the first N of --count; those that differ from it in options alone about the first N of
--ways, and so is what computes the same network in the same way again: Keras what it reads of another of its
formats and on its second backend, the second C compiler. Programs that take long, those which show what is right
and not what is fast, are asked about the first N of --slow, and about no more than 1,000 of what differs in options
alone; so are sanitizers and C++, of everything. Without such a number it is all.
"""

import argparse
import collections
import concurrent.futures
import importlib.metadata
import importlib.util
import multiprocessing
import os
import pathlib
import platform
import sys
import tempfile
import time

import numpy

import check_keras
from check_c import compiled
from exports import KERAS, exports

TOLERANCE = 1e-5
FEW = 1000
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
    few = min(FEW, FEW if slow is None else slow)
    slow = few if export.ways else slow
    if not export.preparation:
        images = images * numpy.float32(1 / 255)
    first = numpy.ascontiguousarray(images.transpose(0, 3, 1, 2))
    if export.format == "onnx":
        images = first if export.layout == "nchw" else images
        yield from onnx_session(path, images)
        if export.network == "every-layer":
            # Of its transposed convolutions ReferenceEvaluator adds up the columns in Python, 0.6 s an image.
            slow = min(FEW, FEW if slow is None else slow)
        yield from onnx_reference(path, images, slow)
    elif export.format == "pytorch":
        yield from torch_network(path, first)
    elif export.format == "tflite":
        yield from interpreter(path, images, slow)
    elif export.format == "c":
        yield from compiled(path, images, few, export, export.scores.shape[1])
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
        for backend in check_keras.BACKENDS if keras else []:
            (answers / backend).mkdir()
            asked.append(pool.submit(check_keras.ask, backend, folder, counts, answers / backend))
        others.sort(key=lambda export: -export.path.stat().st_size)
        checked = [(export, pool.submit(check, export, slow)) for export in others]
        for export, rows_of_it in checked:
            rows[export] += rows_of_it.result()
        for backend in asked:
            backend.result()
        for export in keras:
            for backend in check_keras.BACKENDS:
                path = answers / backend / f"{export.path.name}.npz"
                if not path.exists():
                    rows[export].append(None)
                    continue
                answer = numpy.load(path)
                rows[export].append(
                    row(export, f"keras on {backend}", answer["scores"], float(answer["seconds"])))
    return [row for export in found for row in rows[export]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int)
    parser.add_argument("--ways", type=int)
    parser.add_argument("--slow", type=int)
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
            "run's optimizer and loss, what ends in a softmax on torch alone."
            + " Programs that take long (onnx's ReferenceEvaluator, kernels of TensorFlow Lite that are not "
            f"XNNPACK's) are asked about {options.slow or 'all'} images, and about no more than {FEW} of what "
            f"differs in options alone, and onnx's of every-layer; C with sanitizers and as C++ about {FEW} at most."
            + (
                " Exports that differ in options alone, and what computes the same again, are asked about "
                f"{options.ways}."
                if options.ways
                else ""
            )
            + " What NumPy reads of each .npz are the tensors of the run, bit for bit.",
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
    main()
