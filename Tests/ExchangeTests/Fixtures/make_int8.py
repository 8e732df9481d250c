"""Makes int8.json and tiny.int8.safetensors: a small network, quantised, and what LiteRT's reference kernels make of
twenty images with the .tflite that is exported of it.

    make_int8.py RUNNER

needs ai-edge-litert and numpy; made with the versions that int8.json says.
"""

import base64
import hashlib
import importlib.metadata
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy
from ai_edge_litert.interpreter import Interpreter, OpResolverType

SPEC = {
    "name": "tiny",
    "seed": 3,
    "dataset": {"name": "synthetic_digits", "train_count": 3000, "test_count": 200, "validation": 0.1},
    "model": [
        {"layer": "conv2d", "filters": 6, "kernel": 3, "stride": 2, "padding": "same", "bias": False},
        {"layer": "batch_norm"},
        {"layer": "activation", "function": "relu6"},
        {"layer": "max_pool", "size": 2},
        {
            "layer": "residual",
            "activation": "relu",
            "layers": [
                {"layer": "depthwise_conv2d", "kernel": 3, "padding": 1, "bias": False},
                {"layer": "batch_norm"},
                {"layer": "activation", "function": "relu"},
                {"layer": "conv2d", "filters": 6, "kernel": 1},
            ],
        },
        {"layer": "conv2d", "filters": 12, "kernel": 3, "activation": "relu"},
        {"layer": "max_pool", "size": 2, "stride": 1, "padding": 1},
        {"layer": "average_pool", "size": 2, "stride": 1},
        {"layer": "global_average_pool"},
        {"layer": "dense", "units": 10},
    ],
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "compute": {"kernel": "HASWELL"},
    "training": {"epochs": 4, "batch_size": 32},
}


def answers(model, images):
    interpreter = Interpreter(
        model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    (given,), (taken,) = interpreter.get_input_details(), interpreter.get_output_details()
    found = []
    for image in images:
        interpreter.set_tensor(given["index"], image[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(taken["index"])[0].tolist())
    return found


runner, here = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(__file__).parent.resolve()
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)

    def run(*arguments):
        subprocess.run([runner, *arguments, "--quiet"], cwd=folder, check=True)

    (folder / "tiny.json").write_text(json.dumps(SPEC))
    run("tiny.json")
    run("quantize", "results/tiny/latest", "--to", "tiny.int8.safetensors")
    run("export", "results/tiny/latest/model.safetensors", "x.npz", "--count", "20", "--samples", "y.npz")
    images = numpy.load(folder / "y.npz")["images"]
    fixture = {
        "versions": {
            name: importlib.metadata.version(name) for name in ["ai-edge-litert", "numpy"]
        },
        "images": base64.b64encode(images.tobytes()).decode(),
        "exports": {},
    }
    for name, options in [("scores", []), ("probabilities", ["--softmax"])]:
        run("export", "tiny.int8.safetensors", "tiny.tflite", *options)
        model = (folder / "tiny.tflite").read_bytes()
        fixture["exports"][name] = {
            "sha256": hashlib.sha256(model).hexdigest(),
            "answers": answers(model, images),
        }
    shutil.copy(folder / "tiny.int8.safetensors", here)
    (here / "int8.json").write_text(json.dumps(fixture) + "\n")
