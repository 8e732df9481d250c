"""Measures runner-serve beside FastAPI with onnxruntime on the same network, on this machine, by wrk.

    python experiments/bench/serving.py MODEL [--alone] [--rounds 3] [--seconds 5] [--output serving.csv]

Client and servers share the machine's processors. The servers take turns, in each round in another order;
each is measured after a second of warming up. One PNG of 28x28 a request over 1, 8 and 64 connections that
are kept alive, and 32 images of binary 32-bit floats a request over 4. FastAPI runs with one uvicorn worker
and with one for each processor; the faster counts. That all give the same classes is checked first.
--alone measures runner-serve without the others.

Needs wrk, the packages of requirements-serving.txt (--alone: NumPy and Pillow), and release builds of runner
and runner-serve.
"""

import argparse
import csv
import io
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CORES = len(os.sched_getaffinity(0))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, name, command, ready, environment=None, cwd=None):
        self.name, self.port = name, free_port()
        start = time.monotonic()
        self.process = subprocess.Popen(
            [part.replace("PORT", str(self.port)) for part in command], cwd=cwd,
            env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        while time.monotonic() - start < 60:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}{ready}", timeout=1)
                break
            except OSError as error:
                if getattr(error, "code", None) in (404, 405):
                    break
                time.sleep(0.002)
        self.ready = time.monotonic() - start

    def post(self, path, body, headers):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=body, headers=headers)
        return urllib.request.urlopen(request, timeout=10).read()

    def resident(self):
        """Megabytes of the process and its children."""
        total = 0
        group = os.getpgid(self.process.pid)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.getpgid(int(pid)) == group:
                    status = open(f"/proc/{pid}/status").read()
                    total += int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
            except (OSError, AttributeError):
                pass
        return total / 1024

    def stop(self):
        os.killpg(self.process.pid, 15)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()


def wrk(port, path, body, headers, connections, seconds, work):
    lines = ["wrk.method = 'POST'", f"local f = io.open('{work}/body', 'rb')",
             "wrk.body = f:read('*a')", "f:close()"]
    lines += [f"wrk.headers['{k}'] = '{v}'" for k, v in headers.items()]
    lines += ["function done(s, l, r)",
              "io.write(string.format('RESULT %d %f %f %f %d\\n', s.requests, s.duration / 1e6,"
              " l:percentile(50) / 1e3, l:percentile(99) / 1e3, s.errors.status + s.errors.connect +"
              " s.errors.read + s.errors.write + s.errors.timeout))", "end"]
    with open(f"{work}/body", "wb") as file:
        file.write(body)
    with open(f"{work}/post.lua", "w") as file:
        file.write("\n".join(lines))
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", f"{work}/post.lua",
         f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True).stdout
    count, duration, p50, p99, errors = re.search(r"RESULT (.*)", out).group(1).split()
    return float(count) / float(duration), float(p50), float(p99), int(errors)


def drawn():
    """32 images of sevens of sorts, and the first of them as a PNG."""
    random = np.random.default_rng(1)
    pixels = np.zeros((32, 28, 28, 1), np.uint8)
    for image in pixels:
        y, x = random.integers(6, 14, 2)
        image[y:y + 9, x:x + 3] = 255
        image[y:y + 3, x:x + 8] = 200
    file = io.BytesIO()
    Image.fromarray(pixels[0, :, :, 0]).save(file, "PNG")
    return pixels, file.getvalue()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--output")
    arguments = parser.parse_args()
    runner = f"{ROOT}/.build/release/runner"
    server = f"{ROOT}/.build-serve/release/runner-serve"
    pixels, png = drawn()
    floats = pixels.astype(np.float32).tobytes()
    head = json.dumps({
        "inputs": [{"name": "images", "shape": [32, 28, 28, 1], "datatype": "FP32",
                    "parameters": {"binary_data_size": len(floats)}}],
        "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}]}).encode()
    with tempfile.TemporaryDirectory() as work:
        onnx = f"{work}/model.onnx"
        if not arguments.alone:
            subprocess.run([runner, "export", arguments.model, onnx, "--softmax", "--quiet"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        python = sys.executable
        uvicorn = [python, "-m", "uvicorn", "serving_peer:app", "--port", "PORT", "--log-level", "error"]
        image = {"Content-Type": "image/png"}
        tensor = {"Content-Type": "application/octet-stream"}
        servers = {
            "runner-serve": (
                [server, arguments.model, "--port", "PORT", "--poll", "0"], "/health", {},
                ("/predict", png, image),
                ("/v2/models/NAME/infer", head + floats,
                 {**tensor, "Inference-Header-Content-Length": str(len(head))})),
            "FastAPI, 1 worker": (
                uvicorn, "/openapi.json", {"MODEL": onnx, "THREADS": str(CORES)},
                ("/predict", png, image), ("/tensor", floats, tensor)),
            f"FastAPI, {CORES} workers": (
                uvicorn + ["--workers", str(CORES)], "/openapi.json", {"MODEL": onnx, "THREADS": "1"},
                ("/predict", png, image), ("/tensor", floats, tensor)),
        }
        if arguments.alone:
            servers = {"runner-serve": servers["runner-serve"]}
        rows = []
        for number in range(arguments.rounds):
            names = list(servers)
            names = names[number % len(names):] + names[:number % len(names)]
            for name in names:
                command, ready, environment, one, many = servers[name]
                running = Server(name, command, ready, environment, HERE)
                try:
                    if name == "runner-serve":
                        models = json.loads(urllib.request.urlopen(
                            f"http://127.0.0.1:{running.port}/models").read())
                        own = models["models"][0]["name"]
                        many = (many[0].replace("NAME", own), *many[1:])
                    answer = json.loads(running.post(*one))
                    rows.append((number, name, "ready, ms", running.ready * 1e3, "", "", 0))
                    rows.append((number, name, "class", answer["prediction"], "", "", 0))
                    for connections in [1, 8, 64]:
                        wrk(running.port, *one, connections, 1, work)
                        got = wrk(running.port, *one, connections, arguments.seconds, work)
                        rows.append((number, name, f"PNG, {connections} connections", *got))
                    wrk(running.port, *many, 4, 1, work)
                    got = wrk(running.port, *many, 4, arguments.seconds, work)
                    rows.append((number, name, "32 images, 4 connections", *got))
                    rows.append((number, name, "resident, MB", running.resident(), "", "", 0))
                finally:
                    running.stop()
                print(*rows[-6:], sep="\n", file=sys.stderr)
    classes = {row[3] for row in rows if row[2] == "class"}
    assert len(classes) == 1, f"they answer differently: {classes}"
    if arguments.output:
        with open(arguments.output, "w", newline="", encoding="utf-8") as out:
            table = csv.writer(out)
            table.writerow(["round", "server", "what", "per_second", "p50_ms", "p99_ms", "errors"])
            table.writerows(rows)
    print("| | server | a second | median, ms | p99, ms | errors |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    whats = [what for what in dict.fromkeys(row[2] for row in rows) if what != "class"]
    for what in whats:
        for name in servers:
            own = [row for row in rows if row[1] == name and row[2] == what]
            middle = [statistics.median(row[i] for row in own) if own[0][i] != "" else "" for i in (3, 4, 5)]
            shown = [f"{value:,.4g}" if value != "" else "" for value in middle]
            print(f"| {what} | {name} | {shown[0]} | {shown[1]} | {shown[2]} | {sum(r[6] for r in own)} |")


if __name__ == "__main__":
    main()
