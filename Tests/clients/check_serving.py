"""Asks a server by a client that was made for others, and compares each answer with runner predict's.

    check_serving.py CLIENT HTTP GRPC MODEL ANSWERS.jsonl

CLIENT is requests, triton-http, triton-grpc, kserve-rest, kserve-grpc or ovms: each is to be run in a
process of its own, since two of them declare the same messages. HTTP and GRPC are HOST:PORT. ANSWERS are
lines of `runner predict FOLDER --probabilities --format jsonl`; the images are where they say. An answer
is right where every probability has the same 32 bits.
"""

import asyncio
import base64
import json
import sys

import numpy as np
from PIL import Image

client, http, grpc, model, answers = sys.argv[1:]
rows = [json.loads(line) for line in open(answers, encoding="utf-8")]
files = [open(row["image"], "rb").read() for row in rows]
truth = np.array([row["probabilities"] for row in rows], np.float32)
pixels = np.stack([np.asarray(Image.open(row["image"]).convert("L")) for row in rows])[..., None]
checks = 0


def same(probabilities, truth=truth, what=""):
    global checks
    got = np.asarray(probabilities, np.float32)
    assert got.shape == truth.shape, f"{what}: shape {got.shape}, not {truth.shape}"
    wrong = np.flatnonzero((got.view(np.uint32) != truth.view(np.uint32)).reshape(-1))
    assert not wrong.size, f"{what}: {wrong.size} of {truth.size} probabilities differ"
    checks += len(truth)


def check_requests():
    import requests

    url = f"http://{http}"
    with requests.Session() as session:
        for file, row in zip(files, truth):
            for name in ["image", "file"]:
                answer = session.post(f"{url}/predict", files={name: file}).json()
                same([answer["probabilities"]], row[None], f"files={{{name}: …}}")
        answer = session.post(f"{url}/predict", data=files[0]).json()
        same([answer["probabilities"]], truth[:1], "data=")
        parts = [("image", (f"{i}.png", file)) for i, file in enumerate(files)]
        answer = session.post(f"{url}/predict?top=3", files=parts).json()
        same([one["probabilities"] for one in answer["answers"]], what="several")
        answer = session.post(
            f"{url}/v1/models/{model}:predict",
            json={"instances": [{"b64": base64.b64encode(f).decode()} for f in files]}).json()
        same(answer["predictions"], what="b64")
        answer = session.post(
            f"{url}/v1/models/{model}:predict", json={"instances": pixels.tolist()}).json()
        same(answer["predictions"], what="instances")
        answer = session.get(f"{url}/health")
        assert answer.status_code == 200, answer.text


def check_triton(library, address):
    triton = library.InferenceServerClient(address)
    assert triton.is_server_live() and triton.is_server_ready() and triton.is_model_ready(model)
    assert triton.is_model_ready(model, "1") and not triton.is_model_ready("nobody")
    metadata = triton.get_model_metadata(model)
    inputs = metadata["inputs"] if isinstance(metadata, dict) else metadata.inputs
    first = inputs[0]
    assert (first["name"] if isinstance(first, dict) else first.name) == "images"
    triton.get_server_metadata()

    def output(name, **options):
        return library.InferRequestedOutput(name, **options)

    is_http = library.__name__.endswith("http")
    for kind, array in [
        ("FP32", pixels.astype(np.float32)), ("UINT8", pixels), ("FP64", pixels.astype(np.float64)),
        ("INT64", pixels.astype(np.int64)),
    ]:
        for binary in ([True, False] if is_http else [None]):
            tensor = library.InferInput("images", list(array.shape), kind)
            tensor.set_data_from_numpy(array, **({} if binary is None else {"binary_data": binary}))
            options = {} if binary is None else {"binary_data": binary}
            result = triton.infer(
                model, [tensor], outputs=[output("probabilities", **options), output("class", **options)],
                request_id="7")
            same(result.as_numpy("probabilities"), what=f"{kind} {binary}")
            assert (result.as_numpy("class") == truth.argmax(1)).all()
    tensor = library.InferInput("images", [len(files)], "BYTES")
    tensor.set_data_from_numpy(np.array(files, dtype=object))
    result = triton.infer(model, [tensor])
    same(result.as_numpy("probabilities"), what="BYTES")
    assert result.as_numpy("scores").shape == truth.shape
    result = triton.infer(model, [tensor], outputs=[output("probabilities", class_count=3)])
    classes = result.as_numpy("probabilities")
    assert classes.shape == (len(files), 3)
    value, index, name = classes[0][0].decode().split(":")
    assert int(index) == truth[0].argmax() and np.float32(value) == truth[0].max(), classes[0]
    try:
        bad = library.InferInput("images", [1, 3], "FP32")
        bad.set_data_from_numpy(np.zeros((1, 3), np.float32))
        triton.infer(model, [bad])
    except Exception as error:
        assert "28x28x1" in str(error), error
    else:
        raise AssertionError("a wrong shape is taken")
    triton.close()


def check_kserve_rest():
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    async def run():
        rest = InferenceRESTClient(RESTConfig(protocol="v2", timeout=60))
        url = f"http://{http}"
        assert await rest.is_server_live(url) and await rest.is_server_ready(url)
        assert await rest.is_model_ready(url, model)
        for binary in [False, True]:
            tensor = InferInput("images", list(pixels.shape), "FP32")
            tensor.set_data_from_numpy(pixels.astype(np.float32), binary_data=binary)
            result = await rest.infer(url, InferRequest(model, [tensor]), model_name=model)
            named = {output.name: output.as_numpy() for output in result.outputs}
            same(named["probabilities"].reshape(truth.shape), what=f"binary {binary}")
        await rest.close()

    asyncio.run(run())


def check_kserve_grpc():
    from kserve import InferenceGRPCClient, InferInput, InferRequest

    async def run():
        client = InferenceGRPCClient(grpc)
        assert await client.is_server_live() and await client.is_server_ready()
        assert await client.is_model_ready(model)
        tensor = InferInput("images", list(pixels.shape), "FP32")
        tensor.set_data_from_numpy(pixels.astype(np.float32), binary_data=True)
        result = await client.infer(InferRequest(model, [tensor]))
        named = {output.name: output.as_numpy() for output in result.outputs}
        same(named["probabilities"].reshape(truth.shape), what="gRPC")
        tensor = InferInput("images", list(pixels.shape), "FP32")
        tensor.set_data_from_numpy(pixels.astype(np.float32), binary_data=False)
        result = await client.infer(InferRequest(model, [tensor]))
        named = {output.name: output.as_numpy() for output in result.outputs}
        same(named["probabilities"].reshape(truth.shape), what="gRPC, contents")
        await client.close()

    asyncio.run(run())


def check_ovms():
    from ovmsclient import make_http_client

    ovms = make_http_client(http)
    assert ovms.get_model_status(model)[1]["state"] == "AVAILABLE"
    ovms.get_model_metadata(model)
    same(ovms.predict({"images": pixels.astype(np.float32)}, model), what="array")
    same(ovms.predict({"images": files[0]}, model), truth[:1], "file")


if client == "requests":
    check_requests()
elif client == "triton-http":
    import tritonclient.http

    check_triton(tritonclient.http, http)
elif client == "triton-grpc":
    import tritonclient.grpc

    check_triton(tritonclient.grpc, grpc)
elif client == "kserve-rest":
    check_kserve_rest()
elif client == "kserve-grpc":
    check_kserve_grpc()
elif client == "ovms":
    check_ovms()
else:
    sys.exit(f"{client}: no such client")
print(f"{client}: {checks} answers, all with predict's bits")
