"""Drives Keras's EarlyStopping over scripted sequences and writes what it did to
early_stopping.json, for EarlyStoppingTests.

    python make_early_stopping.py      (needs keras with a backend)
"""
import json
import os
import pathlib
import random

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras

random.seed(1)


class Model:
    """As much of a model as the callback touches."""

    def __init__(self):
        self.stop_training = False
        self.weights_now = 0

    def get_weights(self):
        return self.weights_now

    def set_weights(self, weights):
        self.restored = weights


def drive(monitor, patience, min_delta, values):
    callback = keras.callbacks.EarlyStopping(
        monitor, min_delta=min_delta, patience=patience, restore_best_weights=True,
        mode="min" if monitor.endswith("loss") else "max")
    model = Model()
    callback.set_model(model)
    callback.on_train_begin()
    stopped = None
    for epoch, value in enumerate(values):
        model.weights_now = epoch + 1
        callback.on_epoch_end(epoch, {monitor: value})
        if model.stop_training:
            stopped = epoch + 1
            break
    callback.on_train_end()
    return {
        "monitor": monitor, "patience": patience, "min_delta": min_delta, "values": values,
        "stopped": stopped, "best_epoch": model.restored, "best": float(callback.best),
        "waited": callback.wait,
    }


cases = []
for monitor in ["val_loss", "val_accuracy", "train_loss", "train_accuracy"]:
    for patience in [0, 1, 2, 5]:
        for min_delta in [0, 0.05]:
            # Multiples of 1/64: Keras compares in float32, and these are exact there.
            for _ in range(4):
                values = [random.randrange(16, 64) / 64 for _ in range(12)]
                cases.append(drive(monitor, patience, min_delta, values))
    cases.append(drive(monitor, 3, 0, [0.5] * 8))
    cases.append(drive(monitor, 2, 0, [i / 16 for i in range(1, 12)]))
    cases.append(drive(monitor, 2, 0, [1 - i / 16 for i in range(1, 12)]))
path = pathlib.Path(__file__).with_name("early_stopping.json")
lines = ",\n".join("  " + json.dumps(case) for case in cases)
path.write_text(f'{{ "keras": "{keras.__version__}", "cases": [\n{lines}\n] }}\n')
