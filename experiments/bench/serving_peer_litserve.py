"""A peer of serving.py: LitServe with onnxruntime.

    python serving_peer_litserve.py PORT WORKERS BATCH

POST /predict takes a form, as LitServe takes files: `image`, a PNG file, or `tensor`, 32-bit floats
(N, 28, 28, 1). Up to BATCH requests that wait go through the network together.
"""

import os
import sys

import litserve
import numpy as np
from fastapi import Request

from serving_network import Network, json_answer, pixels_of_png


class Digits(litserve.LitAPI):
    def setup(self, device):
        self.network = Network()

    def decode_request(self, request: Request):
        if "image" in request:
            return pixels_of_png(request["image"].file.read())
        return np.frombuffer(request["tensor"].file.read(), np.float32).reshape(-1, 28, 28, 1)

    def batch(self, inputs):
        self.ends = np.cumsum([len(pixels) for pixels in inputs])[:-1]
        return np.concatenate(inputs)

    def predict(self, pixels):
        return self.network(pixels)

    def unbatch(self, rows):
        return np.split(rows, self.ends)

    def encode_response(self, rows):
        return json_answer(rows) if len(rows) == 1 else {"probabilities": rows.tolist()}


if __name__ == "__main__":
    port, workers, batch = map(int, sys.argv[1:4])
    server = litserve.LitServer(
        Digits(max_batch_size=batch), accelerator="cpu", workers_per_device=workers, timeout=30)
    server.run(
        host="127.0.0.1", port=port, log_level="error", generate_client_file=False,
        num_api_servers=min(workers, len(os.sched_getaffinity(0))))
