"""Asks LiteRT about the images that were written with int8 exports. Its reference kernels are to give runner's
numbers bit for bit; XNNPACK, whose kernels round in other ways, numbers within one unit of them for each operator
by itself, given the same numbers. A unit is passed on from layer to layer and may grow: what it comes to of a
whole network's scores is bounded by GROWN units and told, and so is what these are worth as probabilities.

    check_int8.py FOLDER [--results RESULTS.md]

An export is a FILE.tflite of the folder with its images and runner's scores of them, FILE.tflite.npz.
"""

import argparse
import collections
import concurrent.futures
import importlib.metadata
import math
import multiprocessing
import os
import pathlib
import sys
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
    row["passed"] = (
        different == 0 and row["most"] <= row["bound"] and all(most <= 1 for most, _, _ in alone.values()))
    return row


def said(row):
    alone = ", ".join(
        f"{name} {others} of {count} by {most}" for name, (most, others, count) in row["alone"].items() if others)
    return (
        f"{'ok  ' if row['passed'] else 'FAIL'} {row['name']}: {row['images']} images, {row['different']} of "
        f"{row['numbers']} numbers other than the reference kernels', {row['others']} other than XNNPACK's by at "
        f"most {row['most']} of {row['bound']}, {row['answers']} other answers; by operator: {alone or 'none'}; accuracy "
        f"{row['accuracy']}; {row['seconds']:.0f} s"
    )


def written(rows):
    lines = [
        "# int8 exports, by LiteRT",
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
