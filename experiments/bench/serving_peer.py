"""The peer of serving.py: a model behind FastAPI with onnxruntime, as the tutorials have it.

    uvicorn serving_peer:app      with MODEL=file.onnx, THREADS=2 in the environment

POST /predict takes a PNG file as the body, POST /predict-form one as a form's `image`, POST /tensor 32-bit
floats (N, 28, 28, 1). The network takes pixels of 0 to 255, as `runner export` writes it.
"""

import io
import os

import numpy as np
import onnxruntime
from fastapi import FastAPI, File, Request, Response
from PIL import Image

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("THREADS", "1"))
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
channels_first = session.get_inputs()[0].shape[1] == 1
app = FastAPI()


def probabilities(pixels):
    if channels_first:
        pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return session.run(None, {name: pixels})[0]


def answer(file):
    pixels = np.asarray(Image.open(io.BytesIO(file)).convert("L"), np.float32)[None, :, :, None]
    row = probabilities(pixels)[0]
    best = int(row.argmax())
    return {
        "prediction": best, "class": str(best), "confidence": float(row[best]),
        "probabilities": row.tolist(),
    }


@app.post("/predict")
async def predict(request: Request):
    return answer(await request.body())


@app.post("/predict-form")
async def predict_form(image: bytes = File()):
    return answer(image)


@app.post("/tensor")
async def tensor(request: Request):
    pixels = np.frombuffer(await request.body(), np.float32).reshape(-1, 28, 28, 1)
    return Response(probabilities(pixels).tobytes(), media_type="application/octet-stream")
