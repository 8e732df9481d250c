"""Measures runner beside PyTorch and Keras, on this machine, in one go.

    experiments/bench/bench.sh                        # t0 to t4, five rounds, two threads
    experiments/bench/bench.sh --threads 1 --networks t0
    experiments/bench/bench.sh --quick                # one round of t0
    experiments/bench/bench.sh --avx2                 # what a machine without AVX-512 would do
    experiments/bench/bench.sh --ways "numerics 1,winograd"
    experiments/bench/bench.sh --peers "" --before ../earlier/.build/release/runner

A measured epoch is one pass over the 60,000 training images of MNIST, in memory, shuffled, in
batches of the network's size, after a warm-up. The contestants take turns in every round, one at
work at a time, each in a process of its own, so that a slow minute of the machine meets all of
them. Figures are medians over the rounds; ratios are to the fastest peer.

Needs MNIST under --data DIR or $RUNNER_DATA, and a release build of runner. Writes bench.md,
bench.json and bench.csv (every single timing) to --output.
"""

import argparse
import csv
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import avx2
import mnist
from peers import NETWORKS, PEERS

OURS, BEFORE, WINOGRAD = "runner", "runner, before", "runner, winograd"
# Other ways to compute than the default, as settings of the spec; each is a contestant.
WAYS = {
    "winograd": ["compute.convolution=winograd"],
    "numerics 1": ["compute.numerics=1"],
}
AVX2_KERNEL = "compute.kernel=HASWELL"


# --- The contestants ----------------------------------------------------------------------------


class Failure(Exception):
    pass


class Runner:
    """Our side. Each epoch is a process of its own, which warms up before it measures."""

    def __init__(self, name, path, settings, network, threads, data):
        self.name, self.path, self.settings = name, path, settings
        self.network, self.threads, self.data = network, threads, data
        self.last = {}
        self.peak = 0
        self.about = {"library": self.version(), "threads": threads, "kernel": "", "build": []}

    def version(self):
        found = subprocess.run([self.path, "--version"], capture_output=True, text=True)
        return "runner " + found.stdout.strip()

    def run(self):
        """The one place that knows the command line of `runner bench` and what it prints."""
        command = [
            self.path, "bench", os.path.join(ROOT, "experiments", f"{self.network}.json"),
            *self.settings, "--threads", str(self.threads), "--json",
        ]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "RUNNER_DATA": self.data},
        )
        output = process.stdout.read()
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise Failure(f"{' '.join(command)}: status {process.returncode}\n{errors.strip()}")
        try:
            found = json.loads(output)
            self.about["kernel"] = f"OpenBLAS {found['kernel']}"
            self.about["threads"] = found["threads"]
            float(found["seconds_per_epoch"])
        except (ValueError, KeyError, TypeError) as error:
            raise Failure(f"{' '.join(command)}: unexpected output ({error!r}):\n{output[:2000]}")
        self.peak = usage.ru_maxrss * 1024
        self.last = found
        return found

    def epoch(self):
        return float(self.run()["seconds_per_epoch"])

    def evaluate(self):
        return self.last.get("evaluation_seconds")

    def latency(self):
        return self.last.get("latency_seconds")

    def memory(self):
        return self.peak

    def close(self):
        pass


class Peer:
    """A peers.py process that waits between its turns."""

    def __init__(self, name, network, threads, data):
        self.name = name
        environment = {
            **os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": str(threads),
            "MKL_NUM_THREADS": str(threads), **(avx2.ASKED if ARGUMENTS.avx2 else {}),
        }
        self.log = open(os.path.join(ARGUMENTS.output, f"{name}-{network}.log"), "w+")
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "peers.py"), name, "--network", network,
             "--threads", str(threads), "--data", data],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=environment,
        )
        try:
            self.about = self.answer()
        except Failure:
            self.close()
            raise

    def ask(self, word):
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        status = self.process.wait()
        self.log.seek(0)
        tail = "".join(self.log.readlines()[-8:])
        raise Failure(f"{self.name} ended with status {status}\n{tail}")

    def epoch(self):
        return self.ask("epoch")["seconds"]

    def evaluate(self):
        return self.ask("evaluate")["seconds"]

    def latency(self):
        return self.ask("latency")["seconds"]

    def memory(self):
        return self.ask("memory")["bytes"]

    def close(self):
        if self.process.poll() is None:
            try:
                self.process.stdin.write("quit\n")
                self.process.stdin.close()
                self.process.wait(timeout=20)
            except (BrokenPipeError, subprocess.TimeoutExpired):
                self.process.kill()
                self.process.wait()
        self.log.close()


# --- Measuring ----------------------------------------------------------------------------------


def measure(network, builds, peers, rounds):
    """Every timing of one network: {contestant: {"epoch": [...], "evaluate": [...], ...}}."""
    contestants = []
    for name in [*builds, *peers]:
        say(f"{network}: {name} warms up")
        rest = (network, ARGUMENTS.threads, ARGUMENTS.data)
        try:
            contestants.append(
                Runner(name, *builds[name], *rest) if name in builds else Peer(name, *rest)
            )
        except (Failure, OSError) as error:
            say(f"{network}: without {name}: {error}")
    timings = {c.name: {"epoch": [], "evaluate": [], "latency": []} for c in contestants}
    dropped = set()

    def turn(contestant, kind):
        if contestant.name in dropped:
            return
        try:
            value = getattr(contestant, kind)()
        except Failure as error:
            say(f"{network}: {contestant.name} is out: {error}")
            dropped.add(contestant.name)
            return
        if value is not None:
            timings[contestant.name][kind].append(value)

    for number in range(rounds):
        # Each round begins with another, so that none always follows the same.
        shift = number % max(1, len(contestants))
        for contestant in contestants[shift:] + contestants[:shift]:
            time.sleep(ARGUMENTS.pause)  # Threads of the one before spin for a moment.
            turn(contestant, "epoch")
            for _ in range(3):  # These are short.
                turn(contestant, "evaluate")
            turn(contestant, "latency")
        taken = ", ".join(f"{n} {t['epoch'][-1]:.2f} s" for n, t in timings.items() if t["epoch"])
        say(f"{network}: round {number + 1} of {rounds}: {taken}")
    result = {}
    for contestant in contestants:
        if timings[contestant.name]["epoch"]:
            result[contestant.name] = {
                **timings[contestant.name], "about": contestant.about,
                "peak_bytes": contestant.memory() if contestant.name not in dropped else None,
            }
    for contestant in contestants:
        contestant.close()
    return result


def machine():
    model = platform.processor()
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "cpu": model, "cores": len(os.sched_getaffinity(0)), "system": platform.platform(),
        "python": platform.python_version(),
        "OPENBLAS_CORETYPE": os.environ.get("OPENBLAS_CORETYPE", ""),
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- Reporting ----------------------------------------------------------------------------------

KINDS = {  # heading, factor, digits
    "epoch": ("one training epoch, s", 1, 2),
    "evaluate": ("10,000 test images, s", 1, 3),
    "latency": ("one image, ms", 1000, 3),
}


def markdown(results):
    host = results["machine"]
    lines = [
        f"{host['cpu']}, {host['cores']} cores, {host['system']}, {host['time'][:10]}; "
        f"{results['threads']} thread(s), medians of {results['rounds']} round(s)"
        + ("; all kept to AVX2." if results["avx2"] else "."),
        "",
    ]
    contestants = {}
    for network in results["networks"].values():
        for name, one in network.items():
            contestants.setdefault(name, one["about"])
    said = set()
    for name, about in contestants.items():
        build = "; ".join(about["build"])
        lines.append(
            f"- {name}: {about['library']}, {about['threads']} thread(s), {about['kernel']}"
            + (f" ({build})" if build and build not in said else "")
        )
        said.add(build)
    for kind, (heading, factor, digits) in KINDS.items():
        peers = [n for n in contestants if n in PEERS]
        ratios = {"fastest peer / runner": (OURS, peers)}
        for name in contestants:
            if name.startswith(OURS + ", "):
                ratios[f"{name.removeprefix(OURS + ', ')} / runner"] = (OURS, [name])
        if WINOGRAD in contestants:
            ratios["fastest peer / winograd"] = (WINOGRAD, peers)
        ratios = {name: pair for name, pair in ratios.items() if pair[1]}
        lines += ["", f"| {heading} | " + " | ".join([*contestants, *ratios]) + " |"]
        lines.append("| --- |" + " ---: |" * (len(contestants) + len(ratios)))
        for network, rows in results["networks"].items():
            medians = {n: statistics.median(r[kind]) for n, r in rows.items() if r[kind]}
            cells = [
                f"{medians[n] * factor:.{digits}f}" if n in medians else "" for n in contestants
            ]
            for one, others in ratios.values():
                found = [medians[n] for n in others if n in medians]
                ratio = f"{min(found) / medians[one]:.2f}" if found and one in medians else ""
                cells.append(ratio)
            lines.append(f"| {network} | " + " | ".join(cells) + " |")
    lines += ["", "| peak memory, MB | " + " | ".join(contestants) + " |"]
    lines.append("| --- |" + " ---: |" * len(contestants))
    for network, rows in results["networks"].items():
        cells = []
        for name in contestants:
            peak = rows.get(name, {}).get("peak_bytes")
            cells.append(f"{peak / 1e6:.0f}" if peak else "")
        lines.append(f"| {network} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def save(results):
    """After each network, so that an interrupted run keeps what it has measured."""
    table = markdown(results)
    with open(os.path.join(ARGUMENTS.output, "bench.md"), "w") as file:
        file.write(table)
    with open(os.path.join(ARGUMENTS.output, "bench.json"), "w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    with open(os.path.join(ARGUMENTS.output, "bench.csv"), "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["network", "contestant", "threads", "what", "round", "seconds"])
        for network, contestants in results["networks"].items():
            for name, one in contestants.items():
                for kind in KINDS:
                    for number, value in enumerate(one[kind], 1):
                        rows.writerow([network, name, results["threads"], kind, number, value])
    return table


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", default=",".join(NETWORKS), help="comma-separated, of t0 to t4")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated; may be empty")
    parser.add_argument("--ways", default="winograd",
                        help=f"other ways of runner's, raced too: {', '.join(WAYS)}; may be empty")
    parser.add_argument("--avx2", action="store_true",
                        help="AVX2 at most: runner with the kernel HASWELL, the peers' oneDNN likewise")
    parser.add_argument("--quick", action="store_true", help="one round of t0")
    parser.add_argument("--data", default=os.environ.get("RUNNER_DATA", os.path.join(ROOT, "data")))
    parser.add_argument("--runner", default=os.path.join(ROOT, ".build", "release", "runner"))
    parser.add_argument("--before", help="an earlier build of runner, to be raced too")
    parser.add_argument("--no-runner", action="store_true", help="the peers alone")
    parser.add_argument("--output", help="default: results/bench/<time>")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between two turns")
    found = parser.parse_args()
    found.networks = [n for n in found.networks.split(",") if n]
    found.peers = [n for n in found.peers.split(",") if n]
    found.ways = [w for w in found.ways.split(",") if w]
    for given, known in ((found.networks, NETWORKS), (found.peers, PEERS), (found.ways, WAYS)):
        for name in given:
            if name not in known:
                parser.error(f"{name!r} is not one of {', '.join(known)}")
    if found.quick:
        found.rounds, found.networks = 1, ["t0"]
    if found.rounds < 1 or found.threads < 1:
        parser.error("--rounds and --threads are at least 1")
    kernel = [AVX2_KERNEL] if found.avx2 else []
    found.builds = {}
    if not found.no_runner:
        found.builds = {
            OURS: (found.runner, kernel),
            **{f"{OURS}, {way}": (found.runner, kernel + WAYS[way]) for way in found.ways},
        }
    if found.before:
        found.builds[BEFORE] = (found.before, kernel)
    for path, _ in found.builds.values():
        if not os.access(path, os.X_OK):
            parser.error(f"{path} is not there; build it (make build), or --no-runner")
    mnist.folder(found.data)
    if found.output is None:
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        found.output = os.path.join(ROOT, "results", "bench", stamp)
    os.makedirs(found.output, exist_ok=True)
    return found


if __name__ == "__main__":
    ARGUMENTS = arguments()
    results = {
        "machine": machine(), "threads": ARGUMENTS.threads, "rounds": ARGUMENTS.rounds,
        "avx2": ARGUMENTS.avx2, "networks": {},
    }
    table = ""
    for network in ARGUMENTS.networks:
        results["networks"][network] = measure(
            network, ARGUMENTS.builds, ARGUMENTS.peers, ARGUMENTS.rounds)
        table = save(results)
    print(table)
    say(f"every timing: {ARGUMENTS.output}/bench.csv")
