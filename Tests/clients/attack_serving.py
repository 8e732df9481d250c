"""Attacks a server as slow, broken and greedy clients do, and asks it all the while whether it still answers.

    attack_serving.py SERVER MODEL IMAGE [CONNECTIONS]

slowhttptest's four attacks (slow heads, slow bodies, ranges, slow reading), bodies of no byte and of ten
gigabytes that are only claimed, pictures that claim 60,000 pixels a side, CONNECTIONS (10,000) connections
one after another of which half are torn, and a kill under load with a start after it. Each time /predict
has to answer within two seconds, and memory to stay under 200 MB.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

server, model, image = sys.argv[1:4]
churn = int(sys.argv[4]) if len(sys.argv) > 4 else 10_000
png = open(image, "rb").read()


def start(port=0):
    log = tempfile.NamedTemporaryFile("w+", suffix=".log")
    process = subprocess.Popen(
        [server, model, "--port", str(port), "--deadline", "3", "--idle", "5", "--max-connections", "300"],
        stderr=log)
    for _ in range(500):
        text = open(log.name).read()
        if "listening" in text:
            return process, int(text.split("http://127.0.0.1:")[1].split(",")[0])
        time.sleep(0.01)
    raise SystemExit(text)


def resident(process):
    status = open(f"/proc/{process.pid}/status").read()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def ask(port, timeout=2):
    """The seconds until an answer; a server that is full may be asked again."""
    begin = time.monotonic()
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        try:
            connection.request("POST", "/predict", png)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status == 200:
                json.loads(text)
                return time.monotonic() - begin
            assert answer.status in (429, 503), answer.status
        finally:
            connection.close()
        assert time.monotonic() - begin < 20, "full for 20 seconds"
        time.sleep(0.05)


process, port = start()
worst = resident(process)


def watch(name, slowest):
    global worst
    worst = max(worst, resident(process))
    assert process.poll() is None, f"{name}: the server has ended"
    assert worst < 200, f"{name}: {worst:.0f} MB"
    print(f"{name}: slowest answer {slowest * 1e3:.0f} ms, {resident(process):.0f} MB resident")


def until(name, attack):
    """Asks until an attack is over."""
    slowest = 0
    while attack.poll() is None:
        slowest = max(slowest, ask(port))
        time.sleep(0.1)
    watch(name, slowest)


try:
    if shutil.which("slowhttptest"):
        url = f"http://127.0.0.1:{port}/predict"
        for name, options in [
            ("slow heads", ["-H", "-i", "1", "-x", "24"]),
            ("slow bodies", ["-B", "-i", "1", "-s", "8192", "-x", "10", "-t", "POST"]),
            ("ranges", ["-R", "-t", "HEAD", "-a", "10", "-b", "3000"]),
            ("slow reading", ["-X", "-w", "1", "-y", "10", "-n", "1", "-z", "1", "-k", "3"]),
        ]:
            target = url if name != "slow reading" else f"http://127.0.0.1:{port}/page.js"
            until(name, subprocess.Popen(
                ["slowhttptest", *options, "-c", "250", "-r", "200", "-l", "10", "-u", target],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    else:
        print("slowhttptest: not installed, left out")

    def send(text, wait=True):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            s.sendall(text)
            return s.recv(4096).split(b"\r\n")[0] if wait else b""

    head = b"POST /predict HTTP/1.1\r\nHost: x\r\n"
    assert b"400" in send(head + b"Content-Length: 0\r\n\r\n")
    assert b"413" in send(head + b"Content-Length: 10000000000\r\n\r\n")
    assert b"400" in send(head + b"Content-Length: -5\r\n\r\n")

    def chunk(kind, content):
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))

    bomb = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + chunk(b"IEND", b""))
    large = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4096, 4096, 8, 2, 0, 0, 0))
             + chunk(b"IDAT", zlib.compress(bytes((4096 * 3 + 1) * 4096))) + chunk(b"IEND", b""))
    resized = head.replace(b"/predict", b"/predict?resize=area")
    for file, status in [(bomb, b"422"), (large, b"200")]:
        for _ in range(20):
            got = send(resized + b"Content-Length: %d\r\n\r\n" % len(file) + file)
            assert status in got, got
    watch("bodies and bombs", ask(port))

    slowest = 0
    for number in range(churn):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            if number % 2:
                s.sendall(head + b"Content-Length: 500\r\n\r\n" + png[:100])
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert b"200" in s.recv(4096)
        if number % 1000 == 0:
            slowest = max(slowest, ask(port))
    watch(f"{churn} connections", max(slowest, ask(port)))
    descriptors = len(os.listdir(f"/proc/{process.pid}/fd"))
    assert descriptors < 60, f"{descriptors} descriptors are open"

    # Killed under load, and started again at the same port.
    ended = threading.Event()
    failures = []

    def load():
        while not ended.is_set():
            try:
                ask(port)
            except (OSError, http.client.HTTPException):
                failures.append(1)
                time.sleep(0.02)

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    process.kill()
    process.wait()
    begin = time.monotonic()
    process, port = start(port)
    ask(port)
    again = time.monotonic() - begin
    ended.set()
    for thread in threads:
        thread.join()
    assert failures
    watch(f"killed and started again in {again * 1e3:.0f} ms", ask(port))
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    print(f"attacks: withstood; at most {worst:.0f} MB")
finally:
    if process.poll() is None:
        process.kill()
