"""Exchanges runner-serve's model under full load, and asks it a million times.

    python experiments/bench/serving_endurance.py MODEL OTHER [--requests 1000000] [--swaps 100]

MODEL and OTHER are of the same shape and of other weights. One PNG of 28x28 a request over 64 connections
that are kept alive, by wrk, which shares the machine's processors. First without exchanges, then while the
file of the model is replaced again and again, each time when the one before it answers; then as many
requests as are asked for, while the resident memory is read every ten seconds. No request may fail.

Needs what serving.py needs.
"""

import argparse
import json
import os
import shutil
import signal
import tempfile
import threading
import time
import urllib.request

from serving import HERE, ROOT, Server, drawn, wrk


def digest(port):
    models = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/models").read())
    return models["models"][0]["versions"][-1]["weights_sha256"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("other")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--swaps", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=20)
    arguments = parser.parse_args()
    png = drawn()[1]
    image = ("/predict", png, {"Content-Type": "image/png"})
    with tempfile.TemporaryDirectory() as work:
        path = f"{work}/digits.safetensors"
        sources = [os.path.join(m, "model.safetensors") if os.path.isdir(m) else m
                   for m in (arguments.model, arguments.other)]
        shutil.copy(sources[0], path)
        server = Server(
            "runner-serve", [f"{ROOT}/.build-serve/release/runner-serve", path, "--port", "PORT",
                             "--poll", "0"], "/health", {}, HERE)
        try:
            wrk(server.port, *image, 64, 2, work)
            rate, p50, p99, errors, _ = wrk(server.port, *image, 64, arguments.seconds, work)
            print(f"without exchanges: {rate:,.0f} requests/s, median {p50:.2f} ms, p99 {p99:.2f} ms, "
                  f"{errors} errors", flush=True)
            assert errors == 0
            made, slowest, ended = 0, 0.0, threading.Event()

            def swap():
                nonlocal made, slowest
                while made < arguments.swaps and not ended.is_set():
                    before, begin = digest(server.port), time.monotonic()
                    shutil.copy(sources[(made + 1) % 2], path + ".new")
                    os.replace(path + ".new", path)
                    server.process.send_signal(signal.SIGHUP)
                    while digest(server.port) == before:
                        assert time.monotonic() - begin < 30, "the new model does not come"
                        time.sleep(0.01)
                    slowest = max(slowest, time.monotonic() - begin)
                    made += 1

            swapping = threading.Thread(target=swap)
            swapping.start()
            rate, p50, p99, errors, _ = wrk(server.port, *image, 64, arguments.seconds, work)
            under_load = made
            ended.set()
            swapping.join()
            print(f"with {under_load} exchanges in {arguments.seconds} s: {rate:,.0f} requests/s, median "
                  f"{p50:.2f} ms, p99 {p99:.2f} ms, {errors} errors; the slowest took {slowest:.2f} s",
                  flush=True)
            assert errors == 0
            asked, resident = 0, [server.resident()]
            while asked < arguments.requests:
                _, _, _, errors, count = wrk(server.port, *image, 64, 10, work)
                assert errors == 0
                asked += count
                resident.append(server.resident())
                print(f"{asked:,} requests: {resident[-1]:.1f} MB resident", flush=True)
            print(f"{asked:,} requests: {resident[0]:.1f} MB resident at their beginning, {resident[-1]:.1f} "
                  f"at their end, at most {max(resident):.1f}")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
