"""Races runner-serve against what serves models in Python, with onnxruntime on the same network, by h2load.

    python3 experiments/bench/serving.py MODEL [--alone] [--rounds 3] [--seconds 5] [--output FOLDER]

FastAPI with uvicorn, LitServe, MLServer and BentoML, each as its users write it (serving_peer*.py) and in its
likely settings, of which the fastest counts. Client and servers share the machine's processors. The servers
take turns, in each round in another order; each is measured after a second of warming up, over connections
that are kept alive: one PNG of 28x28 a request over 1, 8 and 64 of them, and 32 images of 32-bit floats a
request over 4. Each connection asks again when it has its answer. Percentiles are of each request's own time
(wrk adds others that it reckons would have been slow had it asked at an even pace, the more the faster a
server is). Who doesn't take a PNG file as the body gets it as its own users send it: LitServe in a form,
MLServer in base64. That all give the same classes is checked first.

Writes serving.csv and serving.md into FOLDER, or a table to the standard output. --alone measures runner-serve
without the others.

Needs h2load (nghttp2-client), and release builds of runner and runner-serve. Makes the peers' virtual environments, of the
packages that requirements-serving*.txt list, in .build-bench-serving where they aren't there yet.
"""

import argparse
import base64
import csv
import io
import json
import math
import os
import platform
import random
import re
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CORES = len(os.sched_getaffinity(0))
TICK = 1 / os.sysconf("SC_CLK_TCK")
LOADS = [1, 8, 64]


@dataclass
class Contestant:
    name: str
    command: list
    ready: str
    # Path, body and headers of a request of one PNG, and of one of 32 images of floats.
    one: tuple
    many: tuple
    environment: dict = field(default_factory=dict)
    # The class in the answer to the first.
    answer: object = lambda json: json["prediction"]
    # What it and what it stands on are called by Python.
    packages: list = field(default_factory=list)
    python: str = ""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A program that listens, with all processes that it starts."""

    def __init__(self, name, command, ready, environment=None, cwd=None):
        self.name, self.port = name, free_port()
        environment = {k: str(free_port()) if v == "FREE" else v for k, v in (environment or {}).items()}
        start = time.monotonic()
        self.process = subprocess.Popen(
            [part.replace("PORT", str(self.port)) for part in command], cwd=cwd,
            env={**os.environ, **{k: v.replace("PORT", str(self.port)) for k, v in environment.items()}},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}{ready}", timeout=1)
                break
            except OSError:
                pass
            if time.monotonic() - start > 90 or self.process.poll() is not None:
                self.stop()
                raise SystemExit(f"{name}: it is not ready after {time.monotonic() - start:.0f} s")
            time.sleep(0.001)
        self.ready = time.monotonic() - start

    def post(self, path, body, headers):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=body, headers=headers)
        return urllib.request.urlopen(request, timeout=30).read()

    def processes(self):
        """Of each of its processes, by number, what /proc/PID/stat says from the third word on."""
        all = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    all[int(pid)] = file.read().rpartition(")")[2].split()
            except OSError:
                pass
        own, found = {}, {self.process.pid}
        while found:
            own |= {pid: all[pid] for pid in found if pid in all}
            found = {pid for pid, words in all.items() if int(words[1]) in found}
        return own

    def resident(self):
        """Megabytes."""
        page = os.sysconf("SC_PAGE_SIZE")
        return sum(int(words[21]) for words in self.processes().values()) * page / 2**20

    def processor(self):
        """Seconds of processor time so far."""
        return sum(int(words[11]) + int(words[12]) for words in self.processes().values()) * TICK

    def stop(self):
        started = list(self.processes())
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        # Some leave others behind.
        for pid in started:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        self.process.wait()


def wrk(port, path, body, headers, connections, seconds, work):
    """Requests a second, median and 99th percentile in milliseconds, errors, and requests in all."""
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
    return float(count) / float(duration), float(p50), float(p99), int(errors), int(count)


def h2load(port, path, body, headers, connections, seconds, work):
    """Requests a second, median and 99th percentile in milliseconds, errors, and requests in all."""
    with open(f"{work}/body", "wb") as file:
        file.write(body)
    log = f"{work}/times"
    if os.path.exists(log):
        os.remove(log)
    subprocess.run(
        ["h2load", "--h1", f"--clients={connections}", f"--duration={seconds}", f"--data={work}/body",
         f"--log-file={log}", *(f"--header={name}: {value}" for name, value in headers.items()),
         f"http://127.0.0.1:{port}{path}"], check=True, stdout=subprocess.DEVNULL)
    with open(log) as file:
        answers = [line.split("\t") for line in file]
    times = sorted(int(answer[2]) / 1e3 for answer in answers)
    count = len(times)
    errors = sum(answer[1] != "200" for answer in answers)
    return (count / seconds, times[count // 2], times[min(count - 1, count * 99 // 100)], errors, count) \
        if times else (0.0, math.nan, math.nan, 1, 0)


def drawn():
    """32 images of sevens of sorts, as bytes, and the first of them as a PNG."""
    places = random.Random(1)
    images = []
    for _ in range(32):
        image = bytearray(28 * 28)
        y, x = places.randrange(6, 14), places.randrange(6, 14)
        for row in range(9):
            image[(y + row) * 28 + x:(y + row) * 28 + x + 3] = b"\xff" * 3
        for row in range(3):
            image[(y + row) * 28 + x:(y + row) * 28 + x + 8] = b"\xc8" * 8
        images.append(bytes(image))

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + images[0][y * 28:(y + 1) * 28] for y in range(28))
    png = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0))
           + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return b"".join(images), png


def form(name, content):
    """A form of one file, as (body, headers)."""
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
    return (head.encode() + content + b"\r\n--edge--\r\n",
            {"Content-Type": "multipart/form-data; boundary=edge"})


def environment(name):
    """The Python of a virtual environment with what requirements-NAME.txt lists; made where it isn't there."""
    folder = f"{ROOT}/.build-bench-serving/{name}"
    wanted = open(f"{HERE}/requirements-{name}.txt").read()
    python, made = f"{folder}/bin/python", f"{folder}/requirements.txt"
    if not os.path.exists(made) or open(made).read() != wanted:
        print(f"making {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--requirement", f"{HERE}/requirements-{name}.txt"], check=True)
        with open(made, "w") as file:
            file.write(wanted)
    return python


def contestants(model, onnx, work, is_alone):
    pixels, png = drawn()
    numbers = [float(byte) for byte in pixels]
    floats = struct.pack(f"<{len(numbers)}f", *numbers)
    image, raw = {"Content-Type": "image/png"}, {"Content-Type": "application/octet-stream"}
    as_json = {"Content-Type": "application/json"}

    def tensor(**more):
        return {"name": "images", "shape": [32, 28, 28, 1], "datatype": "FP32", **more}

    head = json.dumps({
        "inputs": [tensor(parameters={"binary_data_size": len(floats)})],
        "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}]}).encode()
    own = Contestant(
        "runner-serve",
        [f"{ROOT}/.build-serve/release/runner-serve", f"model={model}", "--port", "PORT", "--poll", "0"],
        "/v2/health/ready", ("/predict", png, image),
        ("/v2/models/model/infer", head + floats,
         {**raw, "Inference-Header-Content-Length": str(len(head))}))
    if is_alone:
        return [own]
    all = [own]
    peers, mlserver = environment("serving"), environment("serving-mlserver")
    bin = os.path.dirname(peers)
    for workers in (1, CORES):
        # One worker computes with all cores, several with one each.
        setting = {"MODEL": onnx, "THREADS": str(CORES if workers == 1 else 1), "PYTHONPATH": HERE}
        told = f"{workers} worker{'s' if workers > 1 else ''}"
        all.append(Contestant(
            f"FastAPI, {told}",
            [peers, "-m", "uvicorn", "serving_peer:app", "--port", "PORT", "--log-level", "error",
             "--workers", str(workers)], "/openapi.json",
            ("/predict", png, image), ("/tensor", floats, raw), setting,
            packages=["fastapi", "uvicorn", "uvloop", "httptools", "onnxruntime"], python=peers))
        all.append(Contestant(
            f"BentoML, {told}",
            [f"{bin}/bentoml", "serve", "serving_peer_bentoml:Digits", "--port", "PORT"], "/readyz",
            ("/predict", png, image), ("/tensor", floats, raw),
            {**setting, "WORKERS": str(workers), "BENTOML_DO_NOT_TRACK": "True",
             "BENTOML_HOME": f"{work}/bentoml"},
            packages=["bentoml"], python=peers))
        all.append(Contestant(
            f"LitServe, {told}, batches of {16 if workers == 1 else 1}",
            [peers, "serving_peer_litserve.py", "PORT", str(workers), str(16 if workers == 1 else 1)],
            "/health", ("/predict", *form("image", png)), ("/predict", *form("tensor", floats)), setting,
            packages=["litserve"], python=peers))
        folder = f"{work}/mlserver-{workers}"
        os.makedirs(folder)
        with open(f"{folder}/model-settings.json", "w") as file:
            json.dump({"name": "digits", "implementation": "serving_peer_mlserver.Digits"}, file)
        file = json.dumps({"inputs": [{
            "name": "images", "shape": [1, 1], "datatype": "BYTES", "parameters": {"content_type": "base64"},
            "data": [base64.b64encode(png).decode()]}]}).encode()
        all.append(Contestant(
            f"MLServer, {told}",
            [f"{os.path.dirname(mlserver)}/mlserver", "start", folder], "/v2/models/digits/ready",
            ("/v2/models/digits/infer", file, as_json),
            ("/v2/models/digits/infer", json.dumps({"inputs": [tensor(data=numbers)]}).encode(), as_json),
            # Without workers it computes in its own process.
            {**setting, "MLSERVER_PARALLEL_WORKERS": str(0 if workers == 1 else workers),
             "MLSERVER_HTTP_PORT": "PORT", "MLSERVER_GRPC_PORT": "FREE", "MLSERVER_METRICS_PORT": "FREE",
             "MLSERVER_HOST": "127.0.0.1", "MLSERVER_DEBUG": "false"},
            answer=lambda json: max(range(10), key=json["outputs"][0]["data"].__getitem__),
            packages=["mlserver"], python=mlserver))
    return all


def measure(contestant, number, seconds, work):
    """Rows of (round, server, what, per second, median, p99, processor time, errors)."""
    rows = []

    def row(what, value, *more):
        more = more or ("", "", "", 0)
        rows.append((number, contestant.name, what, value, *more))
        print(*rows[-1], sep=",", file=sys.stderr, flush=True)

    server = Server(contestant.name, contestant.command, contestant.ready, contestant.environment, HERE)
    try:
        row("ready, ms", server.ready * 1e3)
        row("class", contestant.answer(json.loads(server.post(*contestant.one))))
        for what, asked, connections in [
            *((f"PNG, {connections} connection{'s' if connections > 1 else ''}", contestant.one, connections)
              for connections in LOADS), ("32 images, 4 connections", contestant.many, 4),
        ]:
            h2load(server.port, *asked, connections, 1, work)
            before = server.processor()
            rate, p50, p99, errors, count = h2load(server.port, *asked, connections, seconds, work)
            row(what, rate, p50, p99, (server.processor() - before) / max(1, count) * 1e6, errors)
        row("resident, MB", server.resident())
    finally:
        server.stop()
    return rows


def about(rivals, rounds, seconds):
    """A paragraph on what was measured, on which machine, with which versions."""
    cpu = platform.processor()
    with open("/proc/cpuinfo") as file:
        cpu = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), cpu)
    versions = []
    for rival in rivals:
        if rival.python:
            told = subprocess.run(
                [rival.python, "-c", "import sys\nfrom importlib.metadata import version\n"
                 "print(', '.join(f'{name} {version(name)}' for name in sys.argv[1:]))", *rival.packages],
                capture_output=True, text=True, check=True).stdout.strip()
            if told not in versions:
                versions.append(told)
    version = subprocess.run(
        [rivals[0].command[0], "--version"], capture_output=True, text=True, check=True).stdout.strip()
    client = subprocess.run(["h2load", "--version"], capture_output=True, text=True).stdout.strip()
    return (f"{cpu}, {CORES} cores, {platform.platform()}, {time.strftime('%Y-%m-%d')}; {client} on one "
            f"thread, which shares the cores; medians of {rounds} round(s) of {seconds} s.\n\nrunner-serve "
            f"{version}; Python {platform.python_version()}: {'; '.join(versions) or 'not asked'}.\n")


def table(rows, rivals):
    """The rows' medians, and what they say of the fastest peer."""
    names = [rival.name for rival in rivals]

    def median(name, what, column=3):
        values = [row[column] for row in rows if row[1] == name and row[2] == what]
        return statistics.median(values) if values and values[0] != "" else None

    def shown(value):
        return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

    text = ("| | server | a second | median, ms | p99, ms | its µs of processor a request | errors |\n"
            "| --- | --- | ---: | ---: | ---: | ---: | ---: |\n")
    whats = [what for what in dict.fromkeys(row[2] for row in rows) if what != "class"]
    for what in (what for what in whats if "connection" in what):
        for name in names:
            errors = sum(row[7] for row in rows if row[1] == name and row[2] == what)
            cells = [shown(median(name, what, column)) for column in (3, 4, 5, 6)]
            text += f"| {what} | {name} | {' | '.join(cells)} | {errors} |\n"
    text += "\n| server | ready after, ms | resident, MB |\n| --- | ---: | ---: |\n"
    for name in names:
        text += f"| {name} | {shown(median(name, 'ready, ms'))} | {shown(median(name, 'resident, MB'))} |\n"
    for what in (what for what in whats if "connection" in what and names[1:]):
        fastest = max(names[1:], key=lambda name: median(name, what))
        lowest = min(median(name, what, 5) for name in names[1:] if median(name, what) > 0)
        text += (f"\n{what}: {median(names[0], what) / median(fastest, what):.1f} times as many requests as the "
                 f"fastest peer ({fastest}); p99 {shown(median(names[0], what, 5))} ms, the peers' lowest "
                 f"{shown(lowest)} ms.\n")
    return text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only", help="measure servers alone whose names contain this")
    parser.add_argument("--output")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as work:
        onnx = f"{work}/model.onnx"
        if not arguments.alone:
            subprocess.run([f"{ROOT}/.build/release/runner", "export", arguments.model, onnx, "--softmax",
                            "--quiet"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        rivals = contestants(arguments.model, onnx, work, arguments.alone)
        if arguments.only:
            rivals = [rival for rival in rivals if arguments.only.lower() in rival.name.lower()]
        for number in range(arguments.rounds):
            first = number % len(rivals)
            for rival in rivals[first:] + rivals[:first]:
                rows += measure(rival, number, arguments.seconds, work)
        text = about(rivals, arguments.rounds, arguments.seconds) + "\n" + table(rows, rivals)
    classes = {row[3] for row in rows if row[2] == "class"}
    assert len(classes) == 1, f"they answer differently: {classes}"
    if not arguments.output:
        return print(text, end="")
    os.makedirs(arguments.output, exist_ok=True)
    with open(f"{arguments.output}/serving.csv", "w", newline="", encoding="utf-8") as out:
        file = csv.writer(out, lineterminator="\n")
        file.writerow(["round", "server", "what", "per_second", "p50_ms", "p99_ms", "processor_us", "errors"])
        file.writerows(rows)
    with open(f"{arguments.output}/serving.md", "w", encoding="utf-8") as out:
        out.write(text)


if __name__ == "__main__":
    main()
