"""What all peers of serving.py have in common: the network in onnxruntime, and images read by Pillow.

The environment's MODEL is the file, THREADS how many threads compute. The network takes pixels of 0 to 255, as
`runner export` writes it.
"""

import io
import os

import numpy as np
import onnxruntime
from PIL import Image


def pixels_of_png(file):
    """(1, 28, 28, 1)"""
    return np.asarray(Image.open(io.BytesIO(file)).convert("L"), np.float32)[None, :, :, None]


def json_answer(rows):
    row = rows[0]
    best = int(row.argmax())
    return {
        "prediction": best, "class": str(best), "confidence": float(row[best]),
        "probabilities": row.tolist(),
    }


class Network:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("THREADS", "1"))
        self.session = onnxruntime.InferenceSession(
            os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.channels_first = self.session.get_inputs()[0].shape[1] == 1

    def __call__(self, pixels):
        """Probabilities (N, classes) of pixels (N, 28, 28, 1)."""
        if self.channels_first:
            pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        return self.session.run(None, {self.input: pixels})[0]

    def of_png(self, file):
        return self(pixels_of_png(file))

    def of_floats(self, body):
        return self(np.frombuffer(body, np.float32).reshape(-1, 28, 28, 1))
