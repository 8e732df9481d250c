"""Writes python.safetensors with the safetensors package, for SafetensorsTests.

    python make_safetensors.py      (needs numpy and safetensors; made with 2.4.6 and 0.8.0)

The package writes metadata in no fixed order, so there is one pair only: the versions.
"""
import pathlib

import numpy
import safetensors
from safetensors.numpy import save_file

floats = numpy.array([[0.0, -0.0, 1.5], [3.4e38, 1e-45, numpy.inf]], dtype=numpy.float32)
tensors = {
    "dense_1/kernel": floats,
    "conv2d_0/bias": numpy.array([0.1, -2.25], dtype=numpy.float32),
    "adam/m": numpy.zeros((0, 4), dtype=numpy.float32),
    "step": numpy.array([-1, 2**40], dtype=numpy.int64),
    "scalar": numpy.array(7, dtype=numpy.int64),
    "bytes": numpy.array([0, 127, 255], dtype=numpy.uint8),
    "ünïcode \"quoted\"": numpy.array([1], dtype=numpy.uint8),
}
made = f"numpy {numpy.__version__}, safetensors {safetensors.__version__}"
save_file(tensors, pathlib.Path(__file__).with_name("python.safetensors"), {"made_with": made})
