"""Asks LiteRT about the images that were written with int8 exports. Its reference kernels are to give runner's
numbers bit for bit; XNNPACK, whose kernels round in other ways, numbers within one unit of them for each operator
by itself, given the same numbers. A unit is passed on from layer to layer and may grow: what it comes to of a
whole network's scores is bounded by GROWN units and told, and so is what these are worth as probabilities.

ONNX Runtime is asked about the same networks in the QDQ form. It computes integers' sums, rescaled by floats and
rounded once: near, too. Of processors without VNNI its products of bytes by int8 saturate at 16 bits unless the
session asks for precision, as is done here; what comes of it without is told beside. C compilers make programs of
the headers, of which every byte is to be runner's.

    check_int8.py FOLDER [--results RESULTS.md]

An export is a FILE.tflite of the folder with its images and runner's scores of them, FILE.tflite.npz; FILE.onnx and
FILE.h are of the same network.
"""

import argparse
import collections
import concurrent.futures
import importlib.metadata
import math
import multiprocessing
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import numpy

# Units by which XNNPACK's scores of a whole network may differ; three were seen, among mobilenet's 100,000.
GROWN = 4
# How many images each operator is asked about by itself.
ALONE = 10


def interpreter(model, kernels, **more):
    from ai_edge_litert.interpreter import Interpreter

    kind = {"model_content": model} if isinstance(model, (bytes, bytearray)) else {"model_path": str(model)}
    found = Interpreter(experimental_op_resolver_type=kernels, num_threads=1, **kind, **more)
    found.allocate_tensors()
    return found


def answers(path, images, kernels):
    """q of each image's scores, and the scale and zero point of them."""
    model = interpreter(path, kernels)
    (given,), (taken,) = model.get_input_details(), model.get_output_details()
    assert taken["dtype"] == numpy.int8
    found = numpy.empty((len(images), taken["shape"][-1]), numpy.int8)
    for i, image in enumerate(images):
        model.set_tensor(given["index"], image[None].astype(given["dtype"]))
        model.invoke()
        found[i] = model.get_tensor(taken["index"])[0]
    return found, taken["quantization"]


def bound(path):
    """By how many units XNNPACK's numbers of a whole network may differ. Where scores are off by δ, odds are by
    exp(2δ), and a probability, of which a unit is 1/256, by at most tanh(δ/2) and what rounding adds."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    (graph,) = model.subgraphs
    last = graph.operators[-1]
    if model.operatorCodes[last.opcodeIndex].builtinCode != schema.BuiltinOperator.SOFTMAX:
        return GROWN
    (scale,) = graph.tensors[last.inputs[0]].quantization.scale
    return 1 + math.ceil(256 * math.tanh(GROWN * scale / 2))


def operators_alone(path, images):
    """For each operator of integers, by what it does: the largest difference of XNNPACK's numbers from the
    reference kernels', and in how many of how many. Each is made a model of its own, and is given what the
    reference kernels gave the one before it."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import OpResolverType

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    model.signatureDefs = None
    (graph,) = model.subgraphs
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if name.isupper()}
    whole = interpreter(path, OpResolverType.BUILTIN_REF, experimental_preserve_all_tensors=True)
    seen = []
    (given,) = graph.inputs
    for image in images:
        whole.set_tensor(given, image[None].astype(whole.get_input_details()[0]["dtype"]))
        whole.invoke()
        seen.append([whole.get_tensor(i) for i in range(len(graph.tensors))])
    found = collections.defaultdict(lambda: [0, 0, 0])
    for operator in list(graph.operators):
        (given,) = operator.outputs
        if graph.tensors[given].type != schema.TensorType.INT8:
            continue
        code = model.operatorCodes[operator.opcodeIndex]
        name = names[max(code.builtinCode, code.deprecatedBuiltinCode)].lower()
        constant = [model.buffers[tensor.buffer].data is not None for tensor in graph.tensors]
        taken = [i for i in dict.fromkeys(operator.inputs) if i >= 0 and not constant[i]]
        graph.inputs, graph.outputs, graph.operators = taken, [given], [operator]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        alone = interpreter(bytes(builder.Output()), OpResolverType.AUTO)
        for values in seen:
            for i in taken:
                alone.set_tensor(i, values[i])
            alone.invoke()
            distance = numpy.abs(alone.get_tensor(given).astype(int) - values[given])
            row = found[name]
            row[0] = max(row[0], int(distance.max()))
            row[1] += int((distance > 0).sum())
            row[2] += distance.size
    return dict(found)


def onnx_answers(path, images, is_precise):
    """The scores that ONNX Runtime gives images, and how many operators of integers it made of the file."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if is_precise:
        options.add_session_config_entry("session.x64quantprecision", "1")
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = f"{folder}/fused.onnx"
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        fused = [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]
    (port,) = session.get_inputs()
    given = images.transpose(0, 3, 1, 2).astype(numpy.float32)
    scores = [session.run(None, {port.name: given[i : i + 100]})[0] for i in range(0, len(given), 100)]
    return numpy.concatenate(scores), sum("QLinear" in op or op in ("QGemm", "ConvInteger") for op in fused)


C_MAIN = """
#include <stdio.h>
#include "model.h"
int main(void) {
  static unsigned char pixels[MODEL_PIXELS];
  int8_t scores[MODEL_CLASSES];
  while (fread(pixels, 1, MODEL_PIXELS, stdin) == MODEL_PIXELS) {
    model_ANSWER(pixels, scores);
    fwrite(scores, 1, MODEL_CLASSES, stdout);
  }
  return 0;
}
"""


def headers(path, images, own, kind):
    """Numbers of a header that are other than runner's, by each compiler that there is, the last with the
    sanitizer of what is undefined."""
    strict = ["-Wall", "-Wextra", "-Wconversion", "-Werror", "-pedantic"]
    prefix = re.search(r"static int8_t (\w+)_memory", path.read_text()).group(1)
    found = {}
    for name, compiler, flags, count in [
        ("gcc", "gcc", ["-std=c99", "-O3", "-march=native"], len(images)),
        ("clang", "clang", ["-std=c11", "-O3", "-march=native"], 1000),
        ("g++", "g++", ["-x", "c++", "-O2"], 100),
        ("gcc, sanitizer", "gcc", ["-O1", "-fsanitize=undefined", "-fno-sanitize-recover"], 100),
        ("clang, sanitizer", "clang", ["-O1", "-fsanitize=undefined", "-fno-sanitize-recover"], 100),
    ]:
        if not shutil.which(compiler):
            continue
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(path, f"{folder}/model.h")
            text = C_MAIN.replace("MODEL", prefix.upper()).replace("model_", f"{prefix}_").replace("ANSWER", kind)
            pathlib.Path(f"{folder}/main.c").write_text(text)
            subprocess.run([compiler, *flags, *strict, "main.c", "-o", "main"], cwd=folder, check=True)
            said = subprocess.run(
                [f"{folder}/main"], input=images[:count].tobytes(), capture_output=True, check=True).stdout
            numbers = numpy.frombuffer(said, numpy.int8).reshape(-1, own.shape[1])
            assert len(numbers) == len(images[:count])
            found[name] = int((numbers != own[:count]).sum())
    return found


def elsewhere(row, path, images, own, scale, zero):
    """What ONNX Runtime and C compilers make of the same network."""
    file = path.with_suffix(".onnx")
    for key, is_precise in [("onnx", True), ("onnx_fast", False)]:
        scores, row["fused"] = onnx_answers(file, images, is_precise)
        q = numpy.rint(scores / numpy.float32(scale)).astype(int) + zero
        distance = numpy.abs(own - q)
        row[key] = {
            "others": int((distance > 0).sum()), "most": int(distance.max()),
            "answers": int((own.argmax(1) != q.argmax(1)).sum()),
        }
    row["headers"] = headers(
        path.with_suffix(".h"), images.astype(numpy.uint8), own, "probabilities" if "-softmax" in path.name else "scores")


def check(path):
    """A row for an export, and what is said of it."""
    from ai_edge_litert.interpreter import OpResolverType

    start = time.monotonic()
    samples = numpy.load(f"{path}.npz")
    images, scores = samples["images"], samples["scores"]
    reference, (scale, zero) = answers(path, images, OpResolverType.BUILTIN_REF)
    own = numpy.rint(scores / numpy.float32(scale)).astype(int) + zero
    different = int((own != reference).sum())
    fast, _ = answers(path, images, OpResolverType.AUTO)
    distance = numpy.abs(own - fast.astype(int))
    alone = operators_alone(path, images[:ALONE])
    row = {
        "name": path.name.removesuffix(".tflite"),
        "images": len(images),
        "different": different,
        "numbers": own.size,
        "others": int((distance > 0).sum()),
        "most": int(distance.max()),
        "bound": bound(path),
        "answers": int((own.argmax(1) != fast.argmax(1)).sum()),
        "alone": alone,
        "accuracy": "unknown",
        "seconds": time.monotonic() - start,
    }
    if "labels" in samples:
        row["accuracy"] = f"{100 * (own.argmax(1) == samples['labels']).mean():.2f} %"
    elsewhere(row, path, images, own, scale, zero)
    row["seconds"] = time.monotonic() - start
    row["passed"] = (
        different == 0 and row["most"] <= row["bound"] and all(most <= 1 for most, _, _ in alone.values())
        and row["onnx"]["most"] <= row["bound"] and not any(row["headers"].values()) and row["headers"])
    return row


def said(row):
    alone = ", ".join(
        f"{name} {others} of {count} by {most}" for name, (most, others, count) in row["alone"].items() if others)
    return (
        f"{'ok  ' if row['passed'] else 'FAIL'} {row['name']}: {row['images']} images, {row['different']} of "
        f"{row['numbers']} numbers other than the reference kernels', {row['others']} other than XNNPACK's by at "
        f"most {row['most']} of {row['bound']}, {row['answers']} other answers; by operator: {alone or 'none'}; "
        f"ONNX Runtime ({row['fused']} operators of integers): {row['onnx']['others']} others by at most "
        f"{row['onnx']['most']}, {row['onnx']['answers']} other answers (unasked for precision: "
        f"{row['onnx_fast']['others']} by {row['onnx_fast']['most']}, {row['onnx_fast']['answers']}); headers: "
        f"{row['headers']} others; accuracy {row['accuracy']}; {row['seconds']:.0f} s"
    )


def written(rows):
    lines = [
        "# int8 exports, by LiteRT, ONNX Runtime and C compilers",
        "",
        f"ai-edge-litert {importlib.metadata.version('ai-edge-litert')}; networks after one short epoch, by "
        "[int8.sh](int8.sh). Numbers are the int8 of all scores of all images. XNNPACK's answer is another where the "
        f"best two scores are nearer than what it is off by. May be: {GROWN} units of scores, or what these are worth as "
        "probabilities, of which a unit is 1/256.",
        "",
        "| export | images | other than the reference kernels' | other than XNNPACK's | by at most | may be | "
        "other answers by XNNPACK | accuracy |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['name']} | {row['images']:,} | {row['different']} | {row['others']:,} | {row['most']} | "
        f"{row['bound']} | {row['answers']} | {row['accuracy']} |"
        for row in rows
    ]
    lines += [
        "",
        f"The same networks in the QDQ form by ONNX Runtime {importlib.metadata.version('onnxruntime')}, which makes "
        "operators of integers of it and rescales their sums by floats; with `session.x64quantprecision` and, in the "
        "last columns, without: then a processor without VNNI adds products in 16 bits, which saturate. And as C "
        "headers, by " + ", ".join(rows[0]["headers"]) + ", with all warnings as errors.",
        "",
        "| export | operators of integers | other than runner's | by at most | other answers | fast: other | by at most | "
        "other answers | other by header |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['name']} | {row['fused']} | {row['onnx']['others']:,} | {row['onnx']['most']} | "
        f"{row['onnx']['answers']} | {row['onnx_fast']['others']:,} | {row['onnx_fast']['most']} | "
        f"{row['onnx_fast']['answers']} | {sum(row['headers'].values())} |"
        for row in rows
    ]
    total = collections.defaultdict(lambda: [0, 0, 0])
    for row in rows:
        for name, (most, others, count) in row["alone"].items():
            total[name][0] = max(total[name][0], most)
            total[name][1] += others
            total[name][2] += count
    lines += [
        "",
        "Where XNNPACK differs: each operator of all these networks by itself, given what the reference kernels gave "
        f"the one before it, of {ALONE} images. None is off by more than a unit; what scores are off by is the sum of "
        "units along the way.",
        "",
        "| operator | numbers | other than the reference kernels' | by at most |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {count:,} | {others:,} | {most} |" for name, (most, others, count) in sorted(total.items())
    ]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--results", type=pathlib.Path)
    arguments = parser.parse_args()
    # What takes longest first.
    paths = sorted(arguments.folder.glob("*.tflite"), key=lambda path: -path.stat().st_size)
    rows = []
    with concurrent.futures.ProcessPoolExecutor(
        os.cpu_count(), multiprocessing.get_context("spawn")
    ) as pool:
        for row in pool.map(check, paths):
            rows.append(row)
            print(said(row), flush=True)
    if not rows:
        sys.exit("there is nothing to be asked about")
    rows.sort(key=lambda row: row["name"])
    if arguments.results:
        arguments.results.write_text(written(rows))
    sys.exit(any(not row["passed"] for row in rows))


if __name__ == "__main__":
    main()
