"""A peer of serving.py: BentoML with onnxruntime.

    bentoml serve serving_peer_bentoml:Digits --port PORT      with WORKERS, MODEL, THREADS in the environment

POST /predict takes a PNG file as the body, POST /tensor 32-bit floats (N, 28, 28, 1).
"""

import os
from pathlib import Path
from typing import Annotated

import bentoml
from bentoml.validators import ContentType

from serving_network import Network, json_answer

Bytes = Annotated[Path, ContentType("application/octet-stream")]


@bentoml.service(
    workers=int(os.environ.get("WORKERS", "1")), traffic={"timeout": 30},
    logging={"access": {"enabled": False}})
class Digits:
    def __init__(self):
        self.network = Network()

    @bentoml.api
    def predict(self, image: Annotated[Path, ContentType("image/png")], /) -> dict:
        return json_answer(self.network.of_png(image.read_bytes()))

    @bentoml.api
    def tensor(self, body: Bytes, /) -> dict:
        return {"probabilities": self.network.of_floats(body.read_bytes()).tolist()}
