"""Attacks a server as slow, broken and greedy clients do, and asks it all the while whether it still answers.

    attack_serving.py SERVER MODEL [--connections 10000] [--seconds 10]

slowhttptest's four attacks (slow heads, slow bodies, ranges, slow reading), of so many seconds each; bodies of
no byte and of ten gigabytes that are only claimed; pictures that claim 60,000 pixels a side; so many
connections, one after another by each of four programs, of which half are torn; and a kill under load with a
start after it. Each time /predict has to answer within two seconds, and memory to stay under 200 MB.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import zlib

parser = argparse.ArgumentParser()
parser.add_argument("server")
parser.add_argument("model")
parser.add_argument("--connections", type=int, default=10_000)
parser.add_argument("--seconds", type=int, default=10)
arguments = parser.parse_args()


def picture(height, width, channels, rows):
    """A PNG file that claims these sizes and holds so many rows of black."""
    def chunk(kind, content):
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))

    kind = {1: 0, 3: 2}[channels]
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes((width * channels + 1) * rows))) + chunk(b"IEND", b""))


png = picture(28, 28, 1, 28)


def start(port=0):
    log = tempfile.NamedTemporaryFile("w+", suffix=".log")
    process = subprocess.Popen(
        [arguments.server, arguments.model, "--port", str(port), "--deadline", "3", "--idle", "5",
         "--max-connections", "300"], stderr=log)
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
print(f"started: {worst:.0f} MB resident")


def watch(name, slowest):
    global worst
    worst = max(worst, resident(process))
    assert process.poll() is None, f"{name}: the server has ended"
    assert worst < 200, f"{name}: {worst:.0f} MB"
    print(f"{name}: slowest answer {slowest * 1e3:.0f} ms, {resident(process):.0f} MB resident", flush=True)


def until(name, has_ended):
    """Asks until an attack is over."""
    slowest, peak = 0, 0
    while not has_ended():
        slowest, peak = max(slowest, ask(port)), max(peak, resident(process))
        time.sleep(0.1)
    watch(name, slowest)
    assert peak < 200, f"{name}: {peak:.0f} MB"


head = b"POST /predict HTTP/1.1\r\nHost: x\r\n"


def churn(number, count):
    """Opens connections one after another, from an address of its own: the ports of one don't suffice."""
    begun = head + b"Content-Length: 500\r\n\r\n" + png[:100]
    whole = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    torn = struct.pack("ii", 1, 0)
    for i in range(count):
        with socket.socket() as s:
            s.settimeout(5)
            s.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            s.bind((f"127.0.{1 + number}.{1 + i % 200}", 0))
            s.connect(("127.0.0.1", port))
            if i % 2:
                s.sendall(begun)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, torn)
            else:
                s.sendall(whole)
                answer = s.recv(4096)
                assert answer.startswith(b"HTTP/1.1 200 "), answer


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
            attack = subprocess.Popen(
                ["slowhttptest", *options, "-c", "250", "-r", "200", "-l", str(arguments.seconds), "-u", target],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            until(name, lambda: attack.poll() is not None)
    else:
        print("slowhttptest: not installed, left out")

    def send(text):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            s.sendall(text)
            return s.recv(4096).split(b"\r\n")[0]

    assert b"400" in send(head + b"Content-Length: 0\r\n\r\n")
    assert b"413" in send(head + b"Content-Length: 10000000000\r\n\r\n")
    assert b"400" in send(head + b"Content-Length: -5\r\n\r\n")
    resized = head.replace(b"/predict", b"/predict?resize=area")
    # A machine that has much else to do may be late with the largest picture that is taken.
    for file, allowed in [(picture(60000, 60000, 3, 6), [b"422"]),
                          (picture(4096, 4096, 3, 4096), [b"200", b"504"])]:
        for _ in range(20):
            got = send(resized + b"Content-Length: %d\r\n\r\n" % len(file) + file)
            assert any(status in got for status in allowed), got
    watch("bodies and bombs", ask(port))

    begin, clients = time.monotonic(), 4
    programs = [
        multiprocessing.Process(target=churn, args=(number, arguments.connections // clients))
        for number in range(clients)]
    for program in programs:
        program.start()
    until(f"{arguments.connections:,} connections", lambda: not any(p.is_alive() for p in programs))
    assert all(program.exitcode == 0 for program in programs), [program.exitcode for program in programs]
    print(f"they took {time.monotonic() - begin:.0f} s")
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
