"""What Keras says of all of a folder that it is for, on one of its backends; check.py starts a process for each:

    check_keras.py FOLDER COUNTS ANSWERS
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import numpy

from exports import KERAS, exports

BACKENDS = ["torch", "jax"]


def ask(backend, folder, counts, answers):
    """Has Keras on a backend write what it says of all that it is for in a folder. A process can have but one
    backend."""
    # Its warnings are of optimizers, which begin anew.
    command = [sys.executable, "-W", "ignore", __file__, folder, json.dumps(counts), answers]
    # What jax compiles is run but a few times, and the same again for each format of a network.
    environment = os.environ | {
        "KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1",
        "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
        "JAX_COMPILATION_CACHE_DIR": str(answers / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    subprocess.run(command, env=environment, check=True)


def answer_all(folder, counts, answers):
    """What `ask` starts."""
    import absl.logging
    import keras

    absl.logging.set_verbosity(absl.logging.FATAL)

    for export in exports(folder, *counts):
        if export.format not in KERAS:
            continue
        if keras.config.backend() != BACKENDS[0]:
            export.count = export.again
        start = time.monotonic()
        try:
            found = answer(export)
        except Exception as error:
            print("FAILED:", export.path.name, keras.config.backend(), repr(error), flush=True)
            continue
        numpy.savez(
            answers / f"{export.path.name}.npz", scores=found, seconds=time.monotonic() - start)
        keras.utils.clear_session()


def answer(export):
    """The scores; and what is compiled takes a step."""
    import keras

    path = export.path
    if export.format == "keras-weights":
        text = path.with_name(path.name.removesuffix(".weights.h5") + ".json").read_text()
        model = keras.models.model_from_json(text)
        model.load_weights(path)
    else:
        model = keras.saving.load_model(path)
    images = export.images
    found = model.predict(images, batch_size=500, verbose=0)
    # jax takes long to compile a step; that after a softmax is torch's to take.
    if export.format != "keras-weights" and (keras.config.backend() == "torch" or not export.softmax):
        images = images[:100]
        train(export, model, images, export.samples["labels"][: len(images)])
    return found


# What Keras calls the keys of an optimizer.
KEYS = {
    "learning_rate": "learning_rate", "momentum": "momentum", "nesterov": "nesterov",
    "beta_1": "beta_1", "beta_2": "beta_2", "epsilon": "epsilon", "amsgrad": "amsgrad",
    "rho": "rho", "centered": "centered", "clip_norm": "global_clipnorm",
    "weight_decay": "weight_decay", "accumulation": "gradient_accumulation_steps",
}


def train(export, model, images, labels):
    """One step with the optimizer and the loss that the run had."""
    path = export.path
    spec = json.loads((export.run / "resolved.json").read_text())
    assert model.compiled, f"{path} is not compiled"
    optimizer, given = spec["optimizer"], model.optimizer.get_config()
    assert type(model.optimizer).__name__.lower() == optimizer["name"].removesuffix("w")
    for key, value in optimizer.items():
        if key in KEYS and value and (key != "accumulation" or value > 1):
            own = given[KEYS[key]]
            assert own is not None and abs(own - value) <= 1e-6 * abs(value), (path, key, own, value)
    scores = model.predict(images, verbose=0).astype(numpy.float64)
    if not export.softmax:
        powers = numpy.exp(scores - scores.max(1, keepdims=True))
        scores = powers / powers.sum(1, keepdims=True)
    smoothing = 0 if isinstance(spec["loss"], str) else spec["loss"].get("label_smoothing", 0)
    classes = scores.shape[1]
    wanted = numpy.eye(classes)[labels] * (1 - smoothing) + smoothing / classes
    loss = -(wanted * numpy.log(numpy.maximum(scores, 1e-30))).sum(1).mean()
    # With smoothing Keras takes rows.
    truth = numpy.eye(classes, dtype=numpy.float32)[labels] if smoothing else labels
    measured = model.evaluate(images, truth, batch_size=100, verbose=0, return_dict=True)
    assert abs(measured["loss"] - loss) <= 1e-4 * max(1, loss), (path, measured, loss)
    assert abs(measured["accuracy"] - (scores.argmax(1) == labels).mean()) < 1e-6, (path, measured)
    before = model.get_weights()
    model.fit(images, truth, batch_size=100, epochs=1, verbose=0)
    pairs = zip(before, model.get_weights())
    assert any((old != new).any() for old, new in pairs), f"{path}: nothing learns"


if __name__ == "__main__":
    answer_all(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]), pathlib.Path(sys.argv[3]))
