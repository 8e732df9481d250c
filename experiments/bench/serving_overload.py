"""Asks runner-serve for twice of what it can bear.

    python3 experiments/bench/serving_overload.py MODEL [--connections 64] [--queue 16] [--seconds 10]

First what it can bear: one PNG of 28x28 a request over 64 connections that are kept alive, by wrk, of a server
with its default queue. Then h2load asks another, with a short queue, at twice that rate, whether answers come or
not. What is accepted (200) must be answered within the server's deadline, what isn't must be told so (429) within
5 ms, both for 99 requests of 100. Client and server share the machine's processors; the client's rate is what it
reached, and where both together reach no more, each request waits as long as all connections' requests take.

A queue shorter than the server's own default is what makes it refuse anything: each connection has one
request at a time, and 1,000 of them fit into that of 1,024. h2load lets all connections ask at the same moment,
again and again: of 600 the last waits for 599 others.

Needs wrk, h2load (nghttp2-client) and a release build of runner-serve.
"""

import argparse
import subprocess
import tempfile

from serving import HERE, ROOT, Server, drawn, wrk


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(part * len(values)))] if values else 0.0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--queue", type=int, default=16)
    parser.add_argument("--deadline", type=float, default=1)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--times", type=float, default=2)
    arguments = parser.parse_args()
    png = drawn()[1]
    image = ("/predict", png, {"Content-Type": "image/png"})
    with tempfile.TemporaryDirectory() as work:
        def started(*more):
            return Server(
                "runner-serve",
                [f"{ROOT}/.build-serve/release/runner-serve", arguments.model, "--port", "PORT", "--poll", "0",
                 "--deadline", str(arguments.deadline), *more],
                "/v2/health/ready", {}, HERE)

        server = started()
        try:
            wrk(server.port, *image, 64, 2, work)
            bearable, _, p99, errors, _ = wrk(server.port, *image, 64, arguments.seconds, work)
        finally:
            server.stop()
        print(f"borne: {bearable:,.0f} requests/s over 64 connections, p99 {p99:.1f} ms, {errors} errors")
        server = started("--queue", str(arguments.queue))
        try:
            each = arguments.times * bearable / arguments.connections
            with open(f"{work}/image.png", "wb") as file:
                file.write(png)
            subprocess.run(
                ["h2load", "--h1", f"--clients={arguments.connections}", f"--rps={each:.3f}",
                 f"--duration={arguments.seconds}", f"--data={work}/image.png", "--header=content-type: image/png",
                 f"--log-file={work}/log", f"http://127.0.0.1:{server.port}/predict"],
                check=True, stdout=subprocess.DEVNULL)
            times = {}
            for line in open(f"{work}/log"):
                _, status, microseconds = line.split("\t")[:3]
                times.setdefault(int(status), []).append(int(microseconds) / 1e3)
            asked = sum(map(len, times.values()))
            print(f"asked: {asked / arguments.seconds:,.0f} requests/s of {arguments.times * bearable:,.0f} meant, "
                  f"over {arguments.connections} connections")
            for status, own in sorted(times.items()):
                print(f"{status}: {len(own) / arguments.seconds:,.0f} a second, median {percentile(own, 0.5):.2f} ms, "
                      f"p99 {percentile(own, 0.99):.2f} ms, slowest {max(own):.1f} ms")
            assert set(times) <= {200, 429}, sorted(times)
            assert percentile(times.get(200, []), 0.99) < arguments.deadline * 1e3, "accepted, and late"
            assert percentile(times.get(429, []), 0.99) < 5, "refused, and late"
        finally:
            server.stop()


if __name__ == "__main__":
    main()
