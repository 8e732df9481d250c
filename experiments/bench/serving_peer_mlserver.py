"""A peer of serving.py: a runtime for MLServer with onnxruntime.

    mlserver start FOLDER      with model-settings.json there, and MODEL, THREADS in the environment

It is asked by the Open Inference Protocol: a PNG file as BYTES in base64, or 32-bit floats (N, 28, 28, 1).
"""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

from serving_network import Network, pixels_of_png


class Digits(MLModel):
    async def load(self):
        self.network = Network()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        tensor = payload.inputs[0]
        if tensor.datatype == "BYTES":
            pixels = np.concatenate([pixels_of_png(file) for file in Base64Codec.decode_input(tensor)])
        else:
            pixels = NumpyCodec.decode_input(tensor).astype(np.float32)
        output = NumpyCodec.encode_output("probabilities", self.network(pixels))
        return InferenceResponse(model_name=self.name, outputs=[output])
