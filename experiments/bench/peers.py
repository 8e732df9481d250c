"""One peer of the comparison, as a process that waits to be told what to do.

    python peers.py PEER --network t0 --threads 2 --data DIR

It builds the network, warms up, prints a line of JSON about itself, and then answers each word on
its standard input with a line of JSON: `epoch` trains on the 60,000 images once, `evaluate` goes
through the 10,000 test images, `latency` takes one image at a time, `memory` tells the most that
the process has held. So the driver can interleave the peers, one at work at a time.

Every peer is written as its documentation advises for speed: data in memory as one tensor, no
loader, batches gathered by a shuffled index, gradients set to none, the fused or compiled optimizer,
inference without a gradient tape.
"""

import argparse
import json
import os
import statistics
import sys
import time

# What DESIGN.md calls t0 to t4. c: convolution 3x3 with ReLU, p: max pool 2x2, d: dense with ReLU,
# o: dense without, x: dropout.
NETWORKS = {
    "t0": (["c32", "p", "c64", "p", "f", "d64", "o10"], 64, "adam"),
    "t1": (["c32", "p", "c64", "p", "f", "d128", "x0.5", "o10"], 128, "adam"),
    "t2": (["c32", "p", "c64", "p", "c64", "f", "d64", "o10"], 64, "adam"),
    "t3": (["c32", "p", "c64", "p", "f", "d128", "o10"], 128, "adam"),
    "t4": (["c32", "c64", "p", "x0.25", "f", "d128", "x0.5", "o10"], 128, "adadelta"),
}
PEERS = ["torch", "torch-channels-last", "keras", "keras-tf-data"]
EVALUATION_BATCHES = [100, 250, 1000]


def peak_memory():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def fastest(candidates, work):
    """The candidate for which `work` takes least, each tried twice."""
    return min(candidates, key=lambda c: min(seconds(lambda: work(c)) for _ in range(2)))


class Torch:
    def __init__(self, arguments, channels_last):
        import torch

        import mnist

        self.torch = torch
        torch.set_num_threads(arguments.threads)
        if torch.get_num_interop_threads() != 1:  # It may be set once.
            torch.set_num_interop_threads(1)
        torch.manual_seed(1)
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.network = arguments.network
        self.build()

        def tensors(split):
            images, labels = mnist.load(arguments.data, split)
            images = torch.from_numpy(images).unsqueeze(1)
            return images.contiguous(memory_format=self.format), torch.from_numpy(labels)

        self.train = tensors("train")
        self.test = tensors("test")
        self.epoch(20 * self.batch + len(self.train[0]) % self.batch)
        self.evaluation_batch = fastest(EVALUATION_BATCHES, self.evaluate_in)
        self.latency(20)

    def build(self, learning_rate=None):
        """A network with fresh weights, and its optimizer."""
        torch, nn = self.torch, self.torch.nn
        layers, self.batch, rule = NETWORKS[self.network]
        modules, shape = [], (1, 28)
        for layer in layers:
            kind, size = layer[0], layer[1:]
            if kind == "c":
                modules += [nn.Conv2d(shape[0], int(size), 3), nn.ReLU()]
                shape = (int(size), shape[1] - 2)
            elif kind == "p":
                modules.append(nn.MaxPool2d(2))
                shape = (shape[0], shape[1] // 2)
            elif kind == "f":
                modules.append(nn.Flatten())
                shape = (shape[0] * shape[1] * shape[1],)
            elif kind == "x":
                modules.append(nn.Dropout(float(size)))
            else:
                modules.append(nn.Linear(shape[0], int(size)))
                if kind == "d":
                    modules.append(nn.ReLU())
                shape = (int(size),)
        self.model = nn.Sequential(*modules).to(memory_format=self.format)
        if rule == "adam":
            self.optimizer = torch.optim.Adam(
                self.model.parameters(), learning_rate or 1e-3, fused=True
            )
        else:
            self.optimizer = torch.optim.Adadelta(
                self.model.parameters(), learning_rate or 1.0, rho=0.95, eps=1e-7, foreach=True
            )

    def about(self):
        torch = self.torch
        return {
            "library": f"PyTorch {torch.__version__}",
            "threads": torch.get_num_threads(),
            "kernel": "oneDNN " + torch.backends.cpu.get_cpu_capability()
            if torch.backends.mkldnn.is_available()
            else torch.backends.cpu.get_cpu_capability(),
            "build": [line.strip(" -") for line in torch.__config__.show().splitlines()[1:9]],
            "evaluation_batch": self.evaluation_batch,
        }

    def epoch(self, count=None):
        torch = self.torch
        images, labels = self.train
        count = count or len(images)
        self.model.train()
        order = torch.randperm(len(images))[:count]
        loss_sum = torch.zeros(())
        correct = torch.zeros((), dtype=torch.int64)
        for start in range(0, count, self.batch):
            index = order[start : start + self.batch]
            x = images.index_select(0, index).contiguous(memory_format=self.format)
            y = labels.index_select(0, index)
            self.optimizer.zero_grad(set_to_none=True)
            logits = self.model(x)
            loss = torch.nn.functional.cross_entropy(logits, y)
            loss.backward()
            self.optimizer.step()
            # What every training loop reports.
            loss_sum += loss.detach() * len(index)
            correct += (logits.detach().argmax(1) == y).sum()
        return {"loss": float(loss_sum) / count, "accuracy": int(correct) / count}

    def evaluate(self):
        return self.evaluate_in(self.evaluation_batch)

    def evaluate_in(self, batch):
        torch = self.torch
        images, labels = self.test
        self.model.eval()
        correct, loss_sum = 0, 0.0
        with torch.inference_mode():
            for start in range(0, len(images), batch):
                logits = self.model(images[start : start + batch])
                y = labels[start : start + batch]
                loss_sum += float(torch.nn.functional.cross_entropy(logits, y, reduction="sum"))
                correct += int((logits.argmax(1) == y).sum())
        return {"loss": loss_sum / len(images), "accuracy": correct / len(images)}

    def latency(self, count=500):
        self.model.eval()
        with self.torch.inference_mode():
            one = self.test[0][:1].clone(memory_format=self.format)
            times = [seconds(lambda: self.model(one)) for _ in range(count)]
        return {"seconds": statistics.median(times)}


class Keras:
    """`jit_compile` stays "auto", which on a CPU is without XLA; with XLA an epoch took 1.8 times
    as long."""

    def __init__(self, arguments, dataset):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        os.environ["KERAS_BACKEND"] = "tensorflow"
        import keras
        import tensorflow as tf
        from keras import layers as L

        import mnist

        self.tf, self.keras = tf, keras
        tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
        tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
        keras.utils.set_random_seed(1)
        layers, self.batch, rule = NETWORKS[arguments.network]
        parts = [keras.Input((28, 28, 1))]
        for layer in layers:
            kind, size = layer[0], layer[1:]
            parts.append(
                {
                    "c": lambda: L.Conv2D(int(size), 3, activation="relu"),
                    "p": lambda: L.MaxPooling2D(2),
                    "f": lambda: L.Flatten(),
                    "x": lambda: L.Dropout(float(size)),
                    "d": lambda: L.Dense(int(size), activation="relu"),
                    "o": lambda: L.Dense(int(size)),
                }[kind]()
            )
        self.model = keras.Sequential(parts)
        self.model.compile(
            optimizer=keras.optimizers.Adam(1e-3)
            if rule == "adam"
            else keras.optimizers.Adadelta(1.0, rho=0.95, epsilon=1e-7),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            jit_compile="auto",
        )
        self.train = [v[..., None] if v.ndim == 3 else v for v in mnist.load(arguments.data, "train")]
        self.test = [v[..., None] if v.ndim == 3 else v for v in mnist.load(arguments.data, "test")]
        self.dataset = self.gathered() if dataset else None
        self.epoch(20 * self.batch + len(self.train[0]) % self.batch)
        self.evaluation_batch = fastest(EVALUATION_BATCHES, self.evaluate_in)
        self.one = tf.constant(self.test[0][:1])
        self.call = tf.function(lambda x: self.model(x, training=False))
        self.latency(20)

    def about(self):
        tf = self.tf
        return {
            "library": f"Keras {self.keras.__version__} on TensorFlow {tf.__version__}",
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "kernel": "oneDNN" if os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0" else "Eigen",
            "build": [f"jit_compile={self.model.jit_compile}"],
            "evaluation_batch": self.evaluation_batch,
        }

    def gathered(self):
        """Batches gathered by a shuffled index, one ahead of the training."""
        tf = self.tf
        x, y = (tf.constant(v) for v in self.train)
        index = tf.data.Dataset.range(len(self.train[0])).shuffle(len(self.train[0]))
        batches = index.batch(self.batch).map(lambda i: (tf.gather(x, i), tf.gather(y, i)))
        return batches.prefetch(1)

    def epoch(self, count=None):
        if self.dataset is not None and count is None:
            history = self.model.fit(self.dataset, epochs=1, verbose=0)
        else:
            x, y = (v[:count] for v in self.train)
            history = self.model.fit(x, y, batch_size=self.batch, epochs=1, verbose=0)
        return {k: v[0] for k, v in history.history.items()}

    def evaluate(self):
        return self.evaluate_in(self.evaluation_batch)

    def evaluate_in(self, batch):
        loss, accuracy = self.model.evaluate(*self.test, batch_size=batch, verbose=0)
        return {"loss": float(loss), "accuracy": float(accuracy)}

    def latency(self, count=500):
        times = [seconds(lambda: self.call(self.one).numpy()) for _ in range(count)]
        return {"seconds": statistics.median(times)}


def make(arguments):
    if arguments.peer.startswith("torch"):
        return Torch(arguments, channels_last=arguments.peer.endswith("channels-last"))
    return Keras(arguments, dataset=arguments.peer.endswith("tf-data"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--network", choices=NETWORKS, default="t0")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", required=True)
    arguments = parser.parse_args()

    # Libraries print as they please; the answers go where nothing else does.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(content):
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    peer = make(arguments)
    answer({"ready": True, **peer.about()})
    for line in sys.stdin:
        word = line.strip()
        if word in ("epoch", "evaluate"):
            start = time.perf_counter()
            result = getattr(peer, word)()
            answer({"seconds": time.perf_counter() - start, **result})
        elif word == "latency":
            answer(peer.latency())
        elif word == "memory":
            answer({"bytes": peak_memory()})
        elif word == "quit":
            break
        else:
            answer({"error": f"unknown word {word!r}"})


if __name__ == "__main__":
    main()
