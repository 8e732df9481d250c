"""A peer of serving.py: a model behind FastAPI with onnxruntime, as the tutorials have it.

    uvicorn serving_peer:app      with MODEL=file.onnx, THREADS=2 in the environment

POST /predict takes a PNG file as the body, POST /predict-form one as a form's `image`, POST /tensor 32-bit
floats (N, 28, 28, 1).
"""

from fastapi import FastAPI, File, Request, Response

from serving_network import Network, json_answer

network = Network()
app = FastAPI()


@app.post("/predict")
async def predict(request: Request):
    return json_answer(network.of_png(await request.body()))


@app.post("/predict-form")
async def predict_form(image: bytes = File()):
    return json_answer(network.of_png(image))


@app.post("/tensor")
async def tensor(request: Request):
    rows = network.of_floats(await request.body())
    return Response(rows.tobytes(), media_type="application/octet-stream")
