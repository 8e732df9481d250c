"""Makes the JSON fixtures of ConvNetTests from PyTorch's and Keras's own numbers.

    python make_fixtures.py            # needs torch, tensorflow, keras, numpy

Conventions of every file
  - a tensor is {"shape": [...], "values": [...]}, values in row-major order;
  - images are [N, H, W, C], convolution kernels [KH, KW, Cin, Cout], dense kernels [in, out];
  - inputs are float32 numbers printed with the fewest digits that read back as the same float32;
  - results are computed in float64 from those inputs and rounded to float32 or to ten digits, unless
    the key says `float32` (computed in float32 throughout) or the value is a loss or a rate (float64;
    Keras's schedules compute in float32 whatever they are told);
  - `made_with` names the versions, and each case the `source` of its numbers.

The script is deterministic: it runs on the CPU, on one thread, from fixed seeds.
"""

import os
import platform
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["OMP_NUM_THREADS"] = "1"

# TensorFlow and Triton each bring an LLVM, and the second one loaded aborts the process. PyTorch's
# optimizers import Triton where they find it, and need none of it.
sys.modules["triton"] = None

import keras
import numpy as np
import tensorflow as tf
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def set_precision(dtype):
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)


set_precision("float64")
FOLDER = os.path.dirname(os.path.abspath(__file__))
MADE_WITH = {
    "script": "make_fixtures.py",
    "python": platform.python_version(),
    "numpy": np.__version__,
    "torch": torch.__version__.split("+")[0],
    "tensorflow": tf.__version__,
    "keras": keras.__version__,
}


# --- Writing ------------------------------------------------------------------------------------


def number(value):
    """The shortest text that reads back as the same number, of the value's own width."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    text = np.format_float_scientific(value, unique=True, trim="-", exp_digits=1)
    plain = np.format_float_positional(value, unique=True, trim="-")
    return min(plain, text, key=len)


def json_text(value, indent=0):
    pad = "  " * (indent + 1)
    if isinstance(value, dict):
        flat = "shape" in value and "values" in value
        items = [f'"{k}": {json_text(v, indent + 1)}' for k, v in value.items()]
        if flat:
            return "{ " + ", ".join(items) + " }"
        return "{\n" + ",\n".join(pad + i for i in items) + "\n" + "  " * indent + "}"
    if isinstance(value, (list, tuple, np.ndarray)):
        if len(value) and isinstance(value[0], (dict, list, np.ndarray)):
            inner = ",\n".join(pad + json_text(v, indent + 1) for v in value)
            return "[\n" + inner + "\n" + "  " * indent + "]"
        return "[" + ",".join(json_text(v) for v in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None:
        return "null"
    return number(value)


def write(name, content):
    path = os.path.join(FOLDER, name)
    text = json_text({"made_with": MADE_WITH, **content}) + "\n"
    with open(path, "w") as file:
        file.write(text)
    print(f"{name}: {len(text) / 1000:.1f} kB")


def tensor(array):
    array = np.asarray(array)
    return {"shape": list(array.shape), "values": array.astype(np.float32).ravel()}


def ten_digits(values):
    """Float64 numbers to ten digits, which is nearer than 1e-9 of each."""
    return [float(f"{value:.10g}") for value in values]


def rounded(array):
    """The same of float64 numbers with ten digits."""
    array = np.asarray(array, np.float64)
    return {"shape": list(array.shape), "values": ten_digits(array.ravel())}


def draw(rng, *shape, scale=1.0):
    """Normal numbers of few digits: float32 values near multiples of 1/1000, without ties."""
    return np.round(rng.normal(size=shape) * scale, 3).astype(np.float32)


def distinct(rng, *shape):
    """A random permutation of evenly spaced numbers around 0: no two are equal."""
    count = int(np.prod(shape))
    values = (rng.permutation(count) - count // 2 + 0.25) / 16
    return values.reshape(shape).astype(np.float32)


# --- Convolution and pooling --------------------------------------------------------------------


def conv2d():
    rng = np.random.default_rng(1)
    # name, (N, H, W, C), (KH, KW), filters, stride, padding
    table = [
        ("3x3 valid", (2, 6, 7, 1), (3, 3), 4, (1, 1), "valid"),
        ("3x3 valid, 3 to 7 channels", (2, 5, 5, 3), (3, 3), 7, (1, 1), "valid"),
        ("5x5 stride 2 valid", (2, 10, 9, 3), (5, 5), 4, (2, 2), "valid"),
        ("3x3 same", (2, 5, 6, 3), (3, 3), 4, (1, 1), "same"),
        ("3x3 same stride 2, even size", (2, 6, 8, 1), (3, 3), 7, (2, 2), "same"),
        ("3x3 same stride 2, odd size", (2, 7, 5, 3), (3, 3), 4, (2, 2), "same"),
        ("2x2 same", (1, 5, 4, 3), (2, 2), 4, (1, 1), "same"),
        ("1x1", (2, 4, 3, 5), (1, 1), 7, (1, 1), "valid"),
        ("1x1 stride 3 same", (1, 7, 8, 3), (1, 1), 4, (3, 3), "same"),
        ("2x3 stride (2, 1)", (2, 7, 6, 3), (2, 3), 4, (2, 1), "valid"),
        ("3x3 padding 1", (1, 5, 5, 3), (3, 3), 4, (1, 1), (1, 1, 1, 1)),
        ("3x4 stride 2, asymmetric padding", (2, 6, 5, 3), (3, 4), 4, (2, 2), (0, 2, 3, 1)),
        ("batch of 5, 5 channels", (5, 5, 4, 5), (3, 3), 4, (1, 1), "valid"),
        ("kernel as large as the image", (2, 4, 3, 3), (4, 3), 7, (1, 1), "valid"),
    ]
    cases = []
    for name, shape, kernel, filters, stride, padding in table:
        x = draw(rng, *shape)
        w = draw(rng, *kernel, shape[3], filters, scale=0.5)
        b = draw(rng, filters)
        if isinstance(padding, str):
            source = "keras"
            tx, tw, tb = (tf.constant(v, tf.float64) for v in (x, w, b))
            with tf.GradientTape() as tape:
                tape.watch((tx, tw, tb))
                y = keras.ops.conv(tx, tw, strides=stride, padding=padding) + tb
            g = draw(rng, *y.shape)
            dx, dw, db = tape.gradient(y, (tx, tw, tb), output_gradients=tf.constant(g, tf.float64))
        else:
            source = "torch"
            top, bottom, left, right = padding
            tx, tw, tb = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, w, b))
            padded = F.pad(tx.permute(0, 3, 1, 2), (left, right, top, bottom))
            y = F.conv2d(padded, tw.permute(3, 2, 0, 1), tb, stride=stride).permute(0, 2, 3, 1)
            g = draw(rng, *y.shape)
            y.backward(torch.tensor(g, dtype=torch.float64))
            y, dx, dw, db = y.detach(), tx.grad, tw.grad, tb.grad
            padding = dict(zip(("top", "bottom", "left", "right"), padding))
        cases.append(
            {
                "name": name, "source": source, "stride": list(stride), "padding": padding,
                "input": tensor(x), "kernel": tensor(w), "bias": tensor(b), "output": tensor(y),
                "gradient_output": tensor(g), "gradient_input": tensor(dx),
                "gradient_kernel": tensor(dw), "gradient_bias": tensor(db),
            }
        )
    write("conv2d.json", {"cases": cases})


def max_pool():
    rng = np.random.default_rng(2)
    table = [
        ("2x2", (2, 6, 4, 3), (2, 2), (2, 2), "valid"),
        ("2x2, odd size", (2, 7, 5, 3), (2, 2), (2, 2), "valid"),
        ("3x3 stride 2 valid", (2, 7, 8, 2), (3, 3), (2, 2), "valid"),
        ("3x3 stride 2 same", (2, 7, 8, 2), (3, 3), (2, 2), "same"),
        ("3x2 stride 1 valid", (1, 5, 6, 3), (3, 2), (1, 1), "valid"),
        ("3x2 stride 1 same", (1, 5, 6, 3), (3, 2), (1, 1), "same"),
        ("2x2 stride (1, 3)", (2, 4, 8, 1), (2, 2), (1, 3), "valid"),
        ("2x2 same, odd size, all negative", (1, 5, 3, 2), (2, 2), (2, 2), "same"),
        ("3x3 stride 2 padding 1", (2, 6, 7, 2), (3, 3), (2, 2), (1, 1, 1, 1)),
    ]
    cases = []
    for name, shape, size, stride, padding in table:
        x = distinct(rng, *shape)
        if "negative" in name:
            x = (x - np.float32(2)).astype(np.float32)
        if isinstance(padding, str):
            source = "keras"
            tx = tf.constant(x, tf.float64)
            with tf.GradientTape() as tape:
                tape.watch(tx)
                y = keras.ops.max_pool(tx, size, strides=stride, padding=padding)
            g = draw(rng, *y.shape)
            dx = tape.gradient(y, tx, output_gradients=tf.constant(g, tf.float64))
        else:
            source = "torch"
            tx = torch.tensor(x, dtype=torch.float64, requires_grad=True)
            symmetric = (padding[0], padding[2])
            y = F.max_pool2d(tx.permute(0, 3, 1, 2), size, stride, symmetric).permute(0, 2, 3, 1)
            g = draw(rng, *y.shape)
            y.backward(torch.tensor(g, dtype=torch.float64))
            y, dx = y.detach(), tx.grad
            padding = dict(zip(("top", "bottom", "left", "right"), padding))
        cases.append(
            {
                "name": name, "source": source, "size": list(size), "stride": list(stride),
                "padding": padding, "input": tensor(x), "output": tensor(y),
                "gradient_output": tensor(g), "gradient_input": tensor(dx),
            }
        )
    write("max_pool.json", {"cases": cases})


# --- Batch normalisation ------------------------------------------------------------------------


def batch_norm():
    rng = np.random.default_rng(3)
    table = [
        ("images", (3, 4, 5, 3), 0.99, 1e-3, True, True),
        ("images, momentum 0.9, epsilon 1e-5", (2, 3, 3, 5), 0.9, 1e-5, True, True),
        ("vectors", (6, 7), 0.99, 1e-3, True, True),
        ("vectors without scale", (4, 3), 0.99, 1e-3, False, True),
        ("vectors without center", (4, 3), 0.99, 1e-3, True, False),
    ]
    cases = []
    for name, shape, momentum, epsilon, scale, center in table:
        channels = shape[-1]
        layer = keras.layers.BatchNormalization(
            momentum=momentum, epsilon=epsilon, scale=scale, center=center, dtype="float64"
        )
        layer.build((None, *shape[1:]))
        gamma = draw(rng, channels, scale=0.5) + np.float32(1)
        beta = draw(rng, channels)
        if scale:
            layer.gamma.assign(gamma.astype(np.float64))
        if center:
            layer.beta.assign(beta.astype(np.float64))
        steps = []
        for step in range(2):
            # Channels of different mean and width.
            x = draw(rng, *shape) * np.float32(1 + step) + np.arange(channels, dtype=np.float32) / 2
            x = x.astype(np.float32)
            g = draw(rng, *shape)
            tx = tf.constant(x, tf.float64)
            with tf.GradientTape() as tape:
                tape.watch(tx)
                y = layer(tx, training=True)
            wanted = {"input": tx}
            if scale:
                wanted["gamma"] = layer.gamma.value
            if center:
                wanted["beta"] = layer.beta.value
            grads = tape.gradient(y, wanted, output_gradients=tf.constant(g, tf.float64))
            steps.append(
                {
                    "input": tensor(x), "output": tensor(y), "gradient_output": tensor(g),
                    "gradient_input": tensor(grads["input"]),
                    "gradient_gamma": tensor(grads["gamma"]) if scale else None,
                    "gradient_beta": tensor(grads["beta"]) if center else None,
                    "moving_mean": tensor(layer.moving_mean.numpy()),
                    "moving_variance": tensor(layer.moving_variance.numpy()),
                }
            )
        x = draw(rng, *shape)
        y = layer(tf.constant(x, tf.float64), training=False)
        cases.append(
            {
                "name": name, "source": "keras", "momentum": momentum, "epsilon": epsilon,
                "scale": scale, "center": center,
                "gamma": tensor(gamma) if scale else None,
                "beta": tensor(beta) if center else None,
                "steps": steps,
                "inference": {"input": tensor(x), "output": tensor(y)},
            }
        )
    write("batch_norm.json", {"cases": cases})


# --- Activations and loss -----------------------------------------------------------------------


def activations():
    rng = np.random.default_rng(4)
    x = np.linspace(-6, 6, 97).astype(np.float32)
    g = draw(rng, x.size)
    rows = np.concatenate([draw(rng, 4, 5, scale=2), [[-6, 6, 0, 3, -3], [20, -20, 19.5, 0, 1]]])
    rows = rows.astype(np.float32)
    table = [
        ("relu", {}, keras.ops.relu),
        ("leaky_relu", {"slope": 0.01}, lambda v: keras.ops.leaky_relu(v, 0.01)),
        ("leaky_relu", {"slope": 0.2}, lambda v: keras.ops.leaky_relu(v, 0.2)),
        ("elu", {"alpha": 1.0}, lambda v: keras.ops.elu(v, 1.0)),
        ("elu", {"alpha": 0.5}, lambda v: keras.ops.elu(v, 0.5)),
        ("gelu", {"approximate": False}, lambda v: keras.ops.gelu(v, approximate=False)),
        ("gelu", {"approximate": True}, lambda v: keras.ops.gelu(v, approximate=True)),
        ("sigmoid", {}, keras.ops.sigmoid),
        ("tanh", {}, keras.ops.tanh),
        ("softmax", {}, lambda v: keras.ops.softmax(v, axis=-1)),
    ]
    cases = []
    for name, options, function in table:
        value, upstream = (rows, draw(rng, *rows.shape)) if name == "softmax" else (x, g)
        tx = tf.constant(value, tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(tx)
            y = function(tx)
        dx = tape.gradient(y, tx, output_gradients=tf.constant(upstream, tf.float64))
        cases.append(
            {
                "name": name, "source": "keras", **options, "input": tensor(value),
                "output": tensor(y), "gradient_output": tensor(upstream), "gradient_input": tensor(dx),
            }
        )
    write("activations.json", {"cases": cases})


def l2():
    rng = np.random.default_rng(6)
    cases = []
    for strength in (0.01, 0.0005):
        w = draw(rng, 3, 3, 2, 4)
        tw = tf.constant(w, tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(tw)
            penalty = keras.regularizers.L2(strength)(tw)
        cases.append(
            {
                "name": f"l2 {strength}", "source": "keras", "l2": strength, "kernel": tensor(w),
                "penalty": float(penalty), "gradient": tensor(tape.gradient(penalty, tw)),
            }
        )
    write("l2.json", {"cases": cases})


# --- Schedules ----------------------------------------------------------------------------------


def torch_schedule(make, epochs, rate):
    p = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=rate)
    scheduler = make(optimizer)
    rates = []
    for _ in range(epochs):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


def keras_schedule(schedule, steps):
    return [float(schedule(tf.constant(step, tf.int64))) for step in range(steps)]


def plateau(rate, monitored, **options):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(rate), loss="mse")
    callback = keras.callbacks.ReduceLROnPlateau(monitor="value", verbose=0, **options)
    callback.set_model(model)
    callback.on_train_begin()
    rates = [float(model.optimizer.learning_rate.numpy())]
    for epoch, value in enumerate(monitored):
        callback.on_epoch_end(epoch, {"value": value})
        rates.append(float(model.optimizer.learning_rate.numpy()))
    return rates


def schedules():
    S = keras.optimizers.schedules
    T = torch.optim.lr_scheduler
    epochs = []  # rate of epoch 0, 1, 2, ...
    for size, gamma in ((3, 0.1), (4, 0.5), (1, 0.9)):
        epochs.append(
            {
                "name": "step", "source": "torch StepLR", "learning_rate": 0.1, "every": size,
                "factor": gamma,
                "rates": torch_schedule(lambda o: T.StepLR(o, size, gamma), 13, 0.1),
            }
        )
    for gamma in (0.95, 0.5):
        epochs.append(
            {
                "name": "exponential", "source": "torch ExponentialLR", "learning_rate": 0.1,
                "decay": gamma, "rates": torch_schedule(lambda o: T.ExponentialLR(o, gamma), 13, 0.1),
            }
        )
    for period, final in ((12, 0.0), (10, 0.01), (1, 0.0)):
        epochs.append(
            {
                "name": "cosine", "source": "torch CosineAnnealingLR", "learning_rate": 0.1,
                "epochs": period, "final": final / 0.1,
                "rates": torch_schedule(
                    lambda o: T.CosineAnnealingLR(o, period, eta_min=final), period + 1, 0.1
                ),
            }
        )
    steps = []  # rate of step 0, 1, 2, ...; an epoch has `steps_per_epoch` of them
    for staircase in (False, True):
        steps.append(
            {
                "name": "exponential", "source": "keras ExponentialDecay", "learning_rate": 0.05,
                "steps_per_epoch": 7, "decay": 0.8, "staircase": staircase,
                "rates": keras_schedule(
                    S.ExponentialDecay(0.05, decay_steps=7, decay_rate=0.8, staircase=staircase), 30
                ),
            }
        )
    for final in (0.0, 0.1):
        steps.append(
            {
                "name": "cosine", "source": "keras CosineDecay", "learning_rate": 0.05,
                "steps_per_epoch": 5, "epochs": 4, "final": final, "warmup_epochs": 0,
                "warmup_from": 0.0,
                "rates": keras_schedule(S.CosineDecay(0.05, decay_steps=20, alpha=final), 26),
            }
        )
    for start, final, warmup in ((0.0, 0.0, 2), (0.01, 0.2, 1)):
        steps.append(
            {
                "name": "cosine", "source": "keras CosineDecay with warm-up", "learning_rate": 0.05,
                "steps_per_epoch": 5, "epochs": 4, "final": final, "warmup_epochs": warmup,
                "warmup_from": start / 0.05,
                "rates": keras_schedule(
                    S.CosineDecay(
                        start, decay_steps=20, alpha=final, warmup_target=0.05,
                        warmup_steps=5 * warmup,
                    ),
                    5 * (4 + warmup) + 4,
                ),
            }
        )
    steps.append(
        {
            "name": "constant", "source": "torch LinearLR", "learning_rate": 0.05,
            "steps_per_epoch": 4, "warmup_epochs": 3, "warmup_from": 0.25,
            "rates": torch_schedule(lambda o: T.LinearLR(o, 0.25, 1.0, 12), 16, 0.05),
        }
    )

    nan = float("nan")
    falling = [1.0, 0.8, 0.7, 0.69, 0.695, 0.7, 0.71, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.59, 0.62, 0.61, 0.6, 0.6]
    creeping = [1.0, 0.995, 0.991, 0.99, 0.985, 0.98, 0.9, 0.895, 0.891, 0.89, 0.889, 0.8]
    rising = [0.9, 0.92, 0.92, 0.91, 0.93, 0.93, 0.93, 0.93, 0.93, 0.94, 0.94, 0.94, 0.94]
    broken = [1.0, nan, 0.5, nan, nan, nan, 0.4, 0.4, 0.4, 0.4]
    table = [
        ("patience 3", falling, dict(factor=0.5, patience=3, min_delta=1e-4)),
        ("patience 1", falling, dict(factor=0.5, patience=1, min_delta=1e-4)),
        ("patience 0", falling, dict(factor=0.9, patience=0, min_delta=0.0)),
        ("cooldown 2", falling, dict(factor=0.5, patience=2, min_delta=1e-4, cooldown=2)),
        ("cooldown 4, patience 1", falling, dict(factor=0.1, patience=1, min_delta=0.0, cooldown=4)),
        ("min_lr", falling, dict(factor=0.1, patience=1, min_delta=1e-4, min_lr=5e-4)),
        ("min_delta", creeping, dict(factor=0.5, patience=2, min_delta=0.01)),
        ("min_delta large", creeping, dict(factor=0.5, patience=2, min_delta=0.05)),
        ("accuracy", rising, dict(factor=0.5, patience=2, min_delta=1e-4, mode="max")),
        ("not a number", broken, dict(factor=0.5, patience=2, min_delta=1e-4)),
    ]
    plateaus = []
    for name, monitored, options in table:
        full = {"cooldown": 0, "min_lr": 0.0, "mode": "min", **options}
        rates = plateau(0.01, monitored, **full)
        plateaus.append(
            {
                "name": name, "source": "keras ReduceLROnPlateau", "learning_rate": 0.01, **full,
                "monitored": [None if v != v else v for v in monitored], "rates": rates,
            }
        )
    write(
        "schedules.json",
        {"per_epoch": epochs, "per_step": steps, "reduce_on_plateau": plateaus},
    )


# --- A whole network ----------------------------------------------------------------------------


def training():
    """conv2d, [batch_norm], relu, max_pool 2, flatten, dense 6 relu, dense 3; fifty steps."""
    table = [
        ("adam", "torch", 8, "valid", False, 0.0),
        ("adam", "keras", 8, "valid", False, 0.0),
        ("adam", "keras", 9, "valid", False, 0.0),  # the pool never reads the last row and column
        ("nesterov", "torch", 9, "valid", False, 0.0),
        ("adam", "keras", 7, "same", True, 0.01),
    ]
    cases = []
    for optimizer, source, size, padding, norm, strength in table:
        rng = np.random.default_rng(8)
        images = np.round(rng.random((8, size, size, 1)), 2).astype(np.float32)
        labels = np.array([0, 1, 2, 1, 2, 2, 0, 1])
        batches = [[0, 1, 2, 3], [4, 5, 6, 7], [6, 1, 3, 0]]
        order = [batches[i % 3] for i in range(50)]
        pooled = (size if padding == "same" else size - 2) // 2
        weights = {
            "conv2d/kernel": draw(rng, 3, 3, 1, 4, scale=0.4),
            # Normalisation would take away a bias before it.
            **(
                {
                    "batch_norm/gamma": draw(rng, 4, scale=0.1) + np.float32(1),
                    "batch_norm/beta": draw(rng, 4, scale=0.1),
                }
                if norm
                else {"conv2d/bias": draw(rng, 4, scale=0.1)}
            ),
            "dense_0/kernel": draw(rng, pooled * pooled * 4, 6, scale=0.2),
            "dense_0/bias": draw(rng, 6, scale=0.1),
            "dense_1/kernel": draw(rng, 6, 3, scale=0.5),
            "dense_1/bias": draw(rng, 3, scale=0.1),
        }
        rule = {
            ("adam", "torch"): {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
            ("adam", "keras"): {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7},
            ("nesterov", "torch"): {"momentum": 0.9},
        }[optimizer, source]
        rate = 0.02 if optimizer == "nesterov" else 0.004
        run = train_torch if source == "torch" else train_keras
        losses, totals, final = run(
            optimizer, rule, rate, padding, norm, strength, weights, images, labels, order
        )
        results = {
            "cross_entropy": ten_digits(losses), "objective": ten_digits(totals),
            "final": {k: rounded(v) for k, v in final.items()},
        }
        name = f"{optimizer}, {source}, {size}x{size} {padding}"
        cases.append(
            {
                "name": name + (", batch_norm, l2" if norm else ""), "source": source,
                "optimizer": "sgd" if optimizer == "nesterov" else optimizer,
                "nesterov": optimizer == "nesterov", **rule, "learning_rate": rate,
                "padding": padding, "batch_norm": norm, "l2": strength, "images": tensor(images),
                "labels": [int(v) for v in labels], "batches": order,
                "initial": {k: tensor(v) for k, v in weights.items()}, "float64": results,
            }
        )
    write("training.json", {"cases": cases})


def train_torch(optimizer, rule, rate, padding, norm, strength, weights, images, labels, order):
    assert padding == "valid" and not norm and strength == 0
    p = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in weights.items()}
    if optimizer == "adam":
        step = torch.optim.Adam(p.values(), rate, (rule["beta1"], rule["beta2"]), rule["epsilon"])
    else:
        step = torch.optim.SGD(p.values(), rate, momentum=rule["momentum"], nesterov=True)
    losses = []
    for batch in order:
        x = torch.tensor(images[batch], dtype=torch.float64).permute(0, 3, 1, 2)
        y = F.conv2d(x, p["conv2d/kernel"].permute(3, 2, 0, 1), p["conv2d/bias"]).relu()
        y = F.max_pool2d(y, 2).permute(0, 2, 3, 1).flatten(1)
        y = (y @ p["dense_0/kernel"] + p["dense_0/bias"]).relu()
        y = y @ p["dense_1/kernel"] + p["dense_1/bias"]
        loss = F.cross_entropy(y, torch.tensor(labels[batch]))
        step.zero_grad()
        loss.backward()
        step.step()
        losses.append(float(loss.detach()))
    return losses, losses, {k: v.detach().numpy() for k, v in p.items()}


def train_keras(optimizer, rule, rate, padding, norm, strength, weights, images, labels, order):
    assert optimizer == "adam"
    penalty = keras.regularizers.L2(strength) if strength else None
    L = keras.layers
    conv = L.Conv2D(4, 3, padding=padding, use_bias=not norm, kernel_regularizer=penalty)
    bn = [L.BatchNormalization()] if norm else []
    dense = [L.Dense(6, activation="relu", kernel_regularizer=penalty), L.Dense(3)]
    model = keras.Sequential(
        [keras.Input(images.shape[1:]), conv, *bn, L.ReLU(), L.MaxPooling2D(2), L.Flatten(), *dense]
    )
    names, variables = ["conv2d/kernel"], [conv.kernel]
    if norm:
        names += ["batch_norm/gamma", "batch_norm/beta"]
        variables += [bn[0].gamma, bn[0].beta]
    else:
        names.append("conv2d/bias")
        variables.append(conv.bias)
    for i, layer in enumerate(dense):
        names += [f"dense_{i}/kernel", f"dense_{i}/bias"]
        variables += [layer.kernel, layer.bias]
    for name, variable in zip(names, variables):
        variable.assign(weights[name].astype(np.float64))
    rule = keras.optimizers.Adam(
        rate, beta_1=rule["beta1"], beta_2=rule["beta2"], epsilon=rule["epsilon"]
    )
    rule.build(variables)
    objective = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    losses, totals = [], []
    for batch in order:
        x = tf.constant(images[batch], tf.float64)
        with tf.GradientTape() as tape:
            entropy = objective(tf.constant(labels[batch]), model(x, training=True))
            total = entropy + sum(model.losses) if model.losses else entropy
        rule.apply(tape.gradient(total, [v.value for v in variables]), variables)
        losses.append(float(entropy))
        totals.append(float(total))
    final = {n: v.numpy() for n, v in zip(names, variables)}
    if norm:
        final["batch_norm/moving_mean"] = bn[0].moving_mean.numpy()
        final["batch_norm/moving_variance"] = bn[0].moving_variance.numpy()
    return losses, totals, final


if __name__ == "__main__":
    makers = [conv2d, max_pool, batch_norm, activations, l2, schedules, training]
    for maker in makers:
        if len(sys.argv) == 1 or maker.__name__ in sys.argv[1:]:
            maker()
