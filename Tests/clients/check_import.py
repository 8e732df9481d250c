"""ONNX's own tests, and whole networks, taken in by `runner import` and asked by `runner predict`, beside ONNX
Runtime.

    python check_import.py RUNNER [MODEL.onnx ...] [--table FILE]

Takes the node tests, PyTorch's operator tests and the light_* models of the package `onnx`, where they have an
image, or a row of numbers, and one output. What runner asks of a network is put around an operator: images of one
or three channels before it (a convolution of 1x1 where it has others, a Flatten where it has a row of numbers), a
product with random numbers that gives eight scores behind it; operands become constants. Models given by name
(make_networks.py) are taken besides, as they are. Equal is what answers with the same probabilities but for 1e-5 of
the largest score, refused what names an operator; there must be nothing else. The exit status is 1 where there is.
"""

import argparse
import collections
import csv
import io
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnx.version_converter
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

onnxruntime.set_default_logger_severity(4)
RANDOM = np.random.default_rng(0)


class NotOurs(Exception):
    """Why a test has nothing to say here."""


def floats(shape, scale=1.0):
    return (RANDOM.standard_normal(shape) * scale).astype(np.float32)


def drawn(shape):
    """Weights that keep the size of numbers, layer after layer."""
    if len(shape) < 2:
        return RANDOM.uniform(0.5, 1.5, shape).astype(np.float32)
    return floats(shape, (2 / max(1, np.prod(shape[1:]))) ** 0.5)


def sizes(port):
    return [d.dim_value for d in port.type.tensor_type.shape.dim]


def load(path):
    with open(path, "rb") as file:
        return numpy_helper.to_array(onnx.TensorProto.FromString(file.read()))


def surrounded(folder):
    """A test's operators as a network of images."""
    model = onnx.load(f"{folder}/model.onnx")
    graph = model.graph
    if model.opset_import[0].version == 6:
        # The same of all that has no broadcasting, which came to be plain with 7.
        model = onnx.version_converter.convert_version(model, 8)
        graph = model.graph
    known = {tensor.name for tensor in graph.initializer}
    ports = [port for port in graph.input if port.name not in known]
    if len(graph.output) != 1:
        raise NotOurs("several outputs")
    if not ports or any(port.type.WhichOneof("value") != "tensor_type" for port in ports):
        raise NotOurs("no tensor comes in")
    data = ports[0]
    first = load(f"{folder}/test_data_set_0/input_0.pb")
    if first.dtype != np.float32 or graph.output[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        raise NotOurs("not of floats")
    if first.ndim not in (2, 4):
        raise NotOurs("neither images nor rows")
    shape = [1, *first.shape[1:]]
    if first.shape[0] != 1 and len(ports) > 1 and any(
            load(f"{folder}/test_data_set_0/input_{i}.pb").shape[:1] == first.shape[:1]
            and load(f"{folder}/test_data_set_0/input_{i}.pb").ndim == first.ndim
            for i in range(1, len(ports))):
        raise NotOurs("operands for several images")
    for i, port in enumerate(ports[1:], 1):
        graph.initializer.append(numpy_helper.from_array(
            load(f"{folder}/test_data_set_0/input_{i}.pb"), port.name))
    nodes, name = [], data.name
    if first.ndim == 4 and shape[1] not in (1, 3):
        graph.initializer.append(numpy_helper.from_array(floats((shape[1], 3, 1, 1)), "own/widen"))
        nodes.append(helper.make_node("Conv", ["own/images", "own/widen"], [name]))
        shape[1], name = 3, "own/images"
    elif first.ndim == 2:
        nodes.append(helper.make_node("Flatten", ["own/images"], [name]))
        shape, name = [1, 1, 1, shape[1]], "own/images"
    output = graph.output[0].name
    old = list(graph.node)
    del graph.node[:], graph.input[:], graph.output[:]
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    graph.node.extend(nodes + old)
    graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
    # What it gives is only known when it has run.
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString())
        given = session.run(None, {name: np.full(shape, 0.5, np.float32)})[0]
    except Exception as error:  # noqa: BLE001
        raise NotOurs("ONNX Runtime does not run it") from error
    if given.ndim < 2 or given.shape[0] != 1 or not 0 < given.size <= 100_000:
        raise NotOurs("no output for each image")
    graph.initializer.append(numpy_helper.from_array(
        floats((given.size, 8), given.size ** -0.5), "own/product"))
    del graph.output[:]
    graph.node.append(helper.make_node("Flatten", [output], ["own/row"]))
    graph.initializer.append(numpy_helper.from_array(floats((8,), 0.1), "own/offset"))
    graph.node.append(
        helper.make_node("Gemm", ["own/row", "own/product", "own/offset"], ["own/scores"]))
    graph.output.append(helper.make_tensor_value_info("own/scores", TensorProto.FLOAT, [1, 8]))
    return model


def light(path):
    """A model whose weights are all one number, with drawn ones."""
    model = onnx.load(path)
    graph = model.graph
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            shape = known[node.input[0]]
            graph.initializer.append(numpy_helper.from_array(drawn(shape), node.output[0]))
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
    return model


class Runner:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def run(self, *arguments):
        return subprocess.run(
            [self.program, *arguments], capture_output=True, text=True, cwd=self.folder, check=False)

    def compare(self, path):
        """("equal" | "refused" | "different", why)"""
        model = onnx.load(path)
        known = {tensor.name for tensor in model.graph.initializer}
        port = [port for port in model.graph.input if port.name not in known][0]
        result = self.run("import", os.path.abspath(path), "it", "--force", "--scale", str(1 / 255))
        if result.returncode == 2:
            lines = [line for line in result.stderr.splitlines() if not line.startswith("note")]
            return "refused", (lines[1] if len(lines) > 1 else lines[0].split(".onnx: ", 1)[-1]).strip()
        if result.returncode != 0:
            return "different", result.stderr.strip()[-400:]
        shape = sizes(port)
        last = shape[3] in (1, 3) and shape[1] not in (1, 3)
        height, width, channels = shape[1:] if last else (shape[2], shape[3], shape[1])
        pixels = RANDOM.integers(0, 256, (2, height, width, channels), dtype=np.uint8)
        np.save(f"{self.folder}/it.npy", pixels)
        images = pixels.astype(np.float32) * np.float32(1 / 255)
        if not last:
            images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
        session = onnxruntime.InferenceSession(path)
        scores = np.concatenate([
            session.run(None, {port.name: images[i:i + 1]})[0].reshape(1, -1) for i in (0, 1)])
        if not np.isfinite(scores).all():
            return "refused", "scores that are not finite"
        ends = [node.op_type for node in model.graph.node][-1]
        if ends == "Softmax":
            expected = scores
        else:
            powers = np.exp(scores.astype(np.float64) - scores.max(1, keepdims=True))
            expected = powers / powers.sum(1, keepdims=True)
        answer = self.run("predict", "it.safetensors", "it.npy", "--probabilities", "--format", "csv")
        rows = list(csv.reader(io.StringIO(answer.stdout)))
        if answer.returncode != 0 or len(rows) != 3:
            return "different", answer.stderr.strip()[-400:]
        places = [i for i, title in enumerate(rows[0]) if title.startswith("p_")]
        found = np.array([[float(row[i]) for i in places] for row in rows[1:]])
        difference = np.abs(found - expected).max()
        # A probability differs by no more than the scores do.
        largest = float(re.search(r"of up to\s+([-+.e0-9]+)", result.stdout).group(1))
        return ("equal" if difference <= 1e-5 * max(1, largest) else "different"), f"{difference:.1e}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runner")
    parser.add_argument("--table")
    parser.add_argument("models", nargs="*")
    options = parser.parse_args()
    data = os.path.join(os.path.dirname(onnx.__file__), "backend/test/data")
    lines, skipped, bad = [], collections.Counter(), 0
    tests = collections.defaultdict(lambda: collections.defaultdict(list))
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(os.path.abspath(options.runner), folder)

        def whole(name, path):
            nonlocal bad
            outcome, why = runner.compare(path)
            bad += outcome == "different"
            lines.append(f"| {name} | {outcome} | {why} |")
            print(name, outcome, why, flush=True)

        for path in options.models:
            whole(os.path.basename(path), path)
        for kind in ("node", "pytorch-converted", "pytorch-operator"):
            for name in sorted(os.listdir(f"{data}/{kind}")):
                place = f"{data}/{kind}/{name}"
                try:
                    model = surrounded(place)
                except (NotOurs, FileNotFoundError) as reason:
                    skipped[str(reason) if isinstance(reason, NotOurs) else "no file"] += 1
                    continue
                except Exception as reason:  # noqa: BLE001
                    skipped[type(reason).__name__] += 1
                    continue
                path = f"{folder}/it.onnx"
                onnx.save(model, path)
                try:
                    outcome, why = runner.compare(path)
                except Exception as error:  # noqa: BLE001
                    skipped[f"ONNX Runtime: {type(error).__name__}"] += 1
                    continue
                bad += outcome == "different"
                own = [n.op_type for n in onnx.load(f"{place}/model.onnx").graph.node]
                tests[own[0] if len(own) == 1 else " ".join(dict.fromkeys(own))][outcome].append((name, why))
                if outcome == "different":
                    print(name, outcome, why, flush=True)
        for name in sorted(os.listdir(f"{data}/light")):
            if name.endswith(".onnx"):
                path = f"{folder}/{name}"
                onnx.save(light(f"{data}/light/{name}"), path)
                whole(name, path)
                os.remove(path)
    counts = collections.Counter()
    for outcomes in tests.values():
        for outcome, names in outcomes.items():
            counts[outcome] += len(names)
    print(dict(counts), "not taken:", dict(skipped))
    if options.table:
        with open(options.table, "w") as table:
            write(table, tests, lines, counts, skipped)
    sys.exit(1 if bad else 0)


def write(table, tests, lines, counts, skipped):
    table.write("# What `runner import` makes of ONNX's own tests\n\n")
    table.write(
        "Written by [check_import.py](check_import.py): probabilities beside those of ONNX Runtime "
        f"{onnxruntime.__version__}; equal is within 1e-5 of the "
        f"largest score. Tests of onnx {onnx.__version__}: "
        f"{counts['equal']} equal, {counts['refused']} refused with the operator's name, "
        f"{counts['different']} different. Not taken, for they have no image: {sum(skipped.values())} ("
        + ", ".join(f"{why}: {count}" for why, count in skipped.most_common()) + ").\n\n")
    if lines:
        table.write("| model | outcome | largest difference, or why |\n| --- | --- | --- |\n")
        table.write("\n".join(lines) + "\n\n")
    table.write("| operator | equal | refused | the first reason |\n| --- | ---: | ---: | --- |\n")
    for operator in sorted(tests):
        outcomes = tests[operator]
        why = outcomes["refused"][0][1] if outcomes["refused"] else ""
        why = why.split(": ", 1)[-1].replace("|", "/")[:110]
        table.write(
            f"| {operator} | {len(outcomes['equal'])} | {len(outcomes['refused'])} | {why} |\n")


if __name__ == "__main__":
    main()
