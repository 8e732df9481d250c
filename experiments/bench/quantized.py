"""Asks 8-bit models and their floats about one image at a time on one core, beside ONNX Runtime, LiteRT and PyTorch.

    python experiments/bench/quantized.py RUN… [--rounds 5] [--avx2] [--output quantized.csv]

RUN is the folder of a trained run, such as results/t0/latest. It is quantised and exported (.tflite and .onnx,
float and int8), and in each round all take turns, each in a process of its own: runner by `runner tradeoff`, ONNX
Runtime with its inputs and outputs bound, LiteRT with XNNPACK (only `invoke` is timed), PyTorch in inference mode
with the float network that `runner export` writes. All use one thread. Times are medians in microseconds; what the
languages take to hand an image over is in those of ONNX Runtime and PyTorch. Bytes are the files'.

With --avx2 all are kept to AVX2 on a processor that has more, ONNX Runtime and LiteRT by what avx2.py makes of
them; runs are to have been trained with compute.kernel=HASWELL.

Needs torch, onnxruntime, ai-edge-litert, numpy and safetensors, MNIST under $RUNNER_DATA, and a release build.
"""

import argparse
import csv
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
IMAGES = 400


def timed(ask, images):
    """Microseconds of each image; the first fifth warms up."""
    times = []
    for image in images:
        start = time.perf_counter_ns()
        ask(image)
        times.append((time.perf_counter_ns() - start) / 1000)
    return times[len(times) // 5:]


def peer(kind, path):
    """One contestant's times on standard output, as JSON."""
    import numpy

    images = numpy.load(os.path.join(os.path.dirname(path), "images.npy"))
    if kind == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        name, output = session.get_inputs()[0].name, session.get_outputs()[0].name
        images = images.transpose(0, 3, 1, 2).copy()
        held = onnxruntime.OrtValue.ortvalue_from_numpy(images[:1].copy())
        binding = session.io_binding()
        binding.bind_ortvalue_input(name, held)
        binding.bind_output(output)

        def ask(image):
            held.update_inplace(image[None])
            session.run_with_iobinding(binding)

        times = timed(ask, images)
    elif kind == "litert":
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(path, num_threads=1)
        interpreter.allocate_tensors()
        details = interpreter.get_input_details()[0]
        scale, zero = details["quantization"]
        times = []
        for image in images:
            image = image[None]
            if details["dtype"] == numpy.int8:
                units = image / scale if scale > 0.5 else image / 255 / scale
                image = numpy.clip(numpy.round(units) + zero, -128, 127)
            interpreter.set_tensor(details["index"], image.astype(details["dtype"]))
            start = time.perf_counter_ns()
            interpreter.invoke()
            times.append((time.perf_counter_ns() - start) / 1000)
        times = times[len(times) // 5:]
    else:
        import importlib.util

        import torch

        torch.set_num_threads(1)
        spec = importlib.util.spec_from_file_location("exported", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        network = module.load().eval()
        tensors = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
        with torch.inference_mode():
            times = timed(lambda image: network(image[None]), tensors)
    print(json.dumps(times))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--runner", default=str(ROOT / ".build/release/runner"))
    parser.add_argument("--data", default=os.environ.get("RUNNER_DATA", "data"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--avx2", action="store_true", help="keep all to AVX2")
    parser.add_argument("--output", help="a CSV file of every round")
    arguments = parser.parse_args()
    import numpy

    sys.path.insert(0, str(HERE))
    import avx2
    import mnist

    def run(*words):
        done = subprocess.run(
            [arguments.runner, *map(str, words)], capture_output=True, text=True,
            env={**os.environ, "RUNNER_DATA": arguments.data, **({"RUNNER_INT8": "avx2"} if arguments.avx2 else {})})
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        return done.stdout

    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        images = (mnist.load(arguments.data, "test")[0][:IMAGES] * 255).round()
        numpy.save(folder / "images.npy", images.reshape(-1, 28, 28, 1).astype(numpy.float32))
        libraries = folder / "libraries"
        libraries.mkdir()
        surroundings = {**os.environ, **(avx2.environment(libraries) if arguments.avx2 else {})}
        contestants = []
        for source in arguments.runs:
            record = json.loads((pathlib.Path(source) / "run.json").read_text())
            name, kernel = record["name"], record["environment"]["kernel"]
            if arguments.avx2 and kernel != "HASWELL":
                raise SystemExit(f"{source}: its kernel is {kernel}; --avx2 needs a run of HASWELL")
            small = folder / f"{name}.int8.safetensors"
            run("quantize", source, "--to", small, "--threads", 1)
            for model, kind in ((source, "float"), (small, "int8")):
                for ending in (".onnx", ".tflite", ".py") if kind == "float" else (".onnx", ".tflite"):
                    file = folder / f"{name}_{kind}{ending}"
                    if ending == ".py":
                        run("export", model, file.with_suffix(".safetensors"), "--count", 20)
                    else:
                        run("export", model, file, "--count", 20)
                    peers = {".onnx": "onnxruntime", ".tflite": "litert", ".py": "torch"}
                    contestants.append((name, kind, peers[ending], file))
                contestants.append((name, kind, "runner", model))
        for turn in range(arguments.rounds):
            for name, kind, who, path in contestants:
                if who == "runner":
                    told = json.loads(run("tradeoff", path, "--on", "mnist", "--rounds", 10,
                                          "--threads", 1, "--format", "json"))["models"][0]
                    micros, size = told["microseconds"], told["bytes"]
                    accuracy = told["accuracy"]
                else:
                    done = subprocess.run(
                        [sys.executable, __file__, "--peer", who, str(path)], capture_output=True,
                        text=True, env=surroundings)
                    if done.returncode != 0:
                        raise SystemExit(done.stderr)
                    micros = statistics.median(json.loads(done.stdout.strip().split("\n")[-1]))
                    file = path.with_suffix(".safetensors") if who == "torch" else path
                    size, accuracy = file.stat().st_size, ""
                rows.append((turn, name, kind, who, micros, size, accuracy))
                print(f"{turn} {name} {kind} {who}: {micros:.1f} µs", file=sys.stderr)

    if arguments.output:
        with open(arguments.output, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["round", "network", "weights", "by", "microseconds", "bytes", "accuracy"])
            writer.writerows(rows)
    import ai_edge_litert
    import onnxruntime
    import torch

    def median(name, kind, who):
        return statistics.median(r[4] for r in rows if r[1:4] == (name, kind, who))

    flags = pathlib.Path("/proc/cpuinfo").read_text() if platform.system() == "Linux" else ""
    known = ("avx2",) if arguments.avx2 else ("avx2", "avx512f", "avx512_vnni", "avx_vnni")
    kinds = [k for k in known if f" {k}" in flags]
    print(f"One image at a time on one core, medians of {arguments.rounds} rounds, µs; {', '.join(kinds)}; "
          f"ONNX Runtime {onnxruntime.__version__}, LiteRT {ai_edge_litert.__version__}, "
          f"PyTorch {torch.__version__.split('+')[0]}\n")
    print("| network | weights | runner | ONNX Runtime | LiteRT | PyTorch | fastest peer / runner |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for name in dict.fromkeys(r[1] for r in rows):
        for kind in ("float", "int8"):
            own = median(name, kind, "runner")
            others = [median(name, kind, who) if any(r[1:4] == (name, kind, who) for r in rows) else None
                      for who in ("onnxruntime", "litert", "torch")]
            least = min(o for o in others if o)
            cells = " | ".join("" if o is None else f"{o:.1f}" for o in others)
            print(f"| {name} | {kind} | {own:.1f} | {cells} | {least / own:.2f} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        peer(*sys.argv[2:4])
    else:
        main()
