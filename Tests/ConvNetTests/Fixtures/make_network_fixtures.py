"""Makes networks.json: small networks of every kind of layer, activation and loss, trained by Keras.

    python make_network_fixtures.py [name...]    # needs what make_fixtures.py needs, and torchvision

The conventions are those of make_fixtures.py, but results are float64 numbers of ten digits. Keras computes
with PyTorch, whose bilinear interpolation knows float64 (its average pooling repeats the edge where `same`
pads one side more than the other, and that is left out). A model is written as the tests read it, and `Net`
makes Keras's layers of what is written; whatever has a default is left out. Tensors are named as the network
names them: by kind and place among the layers, blocks written out. `gradient` is that of the first batch's
loss by the initial weights.

Near a kink, or where a training is unstable, rounding decides. Each network is therefore trained again from
images that differ by a part in a million, with the first seed from which both ways end in the same weights,
every tensor moves, and no loss comes near 0.
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"

from make_fixtures import MADE_WITH, draw, keras, np, rounded, ten_digits, tensor, torch, write

from make_catalogue import squeeze_excitation

MADE_WITH["script"] = "make_network_fixtures.py"
STEPS = 50
L = keras.layers


# --- Keras's layers of what is written ------------------------------------------------------------


class SqueezeExcite(L.Layer):
    """torchvision's, of [N, H, W, C]."""

    def __init__(self, ratio, gate):
        super().__init__()
        self.ratio, self.gate = ratio, gate

    def build(self, shape):
        channels, squeezed = shape[3], max(1, shape[3] // self.ratio)
        shapes = {
            "squeeze_kernel": (channels, squeezed), "squeeze_bias": (squeezed,),
            "kernel": (squeezed, channels), "bias": (channels,),
        }
        self.kernels = {name: self.add_weight(shape=s, name=name) for name, s in shapes.items()}

    def call(self, x):
        weights = {name: v.value for name, v in self.kernels.items()}
        return squeeze_excitation(x.permute(0, 3, 1, 2), **weights, gate=self.gate).permute(0, 2, 3, 1)


def function(keys, name):
    A = keras.activations
    return {
        "linear": A.linear, "relu": A.relu, "relu6": A.relu6, "swish": A.silu, "hard_swish": A.hard_silu,
        "mish": A.mish, "sigmoid": A.sigmoid, "hard_sigmoid": A.hard_sigmoid, "softplus": A.softplus,
        "tanh": A.tanh, "softmax": A.softmax,
        "leaky_relu": lambda x: A.leaky_relu(x, negative_slope=keys["slope"]),
        "elu": lambda x: A.elu(x, alpha=keys["alpha"]),
        "gelu": lambda x: A.gelu(x, approximate=keys["approximate"]),
    }[name]


def sides(keys):
    p = keys["padding"]
    return ((p["top"], p["bottom"]), (p["left"], p["right"]))


def ends(keys):
    return {"activation": function(keys, keys.get("activation", "linear")), "use_bias": keys.get("bias", True)}


def window(keys):
    """What convolutions have in common."""
    return {
        "kernel_size": keys["kernel"], "strides": keys.get("stride", (1, 1)),
        "padding": keys.get("padding", "valid"), **ends(keys),
    }


def pooling(keys):
    return {
        "pool_size": keys["size"], "strides": keys["stride"], "padding": keys.get("padding", "valid"),
    }


LAYERS = {
    "conv2d": lambda k: L.Conv2D(
        k["filters"], groups=k.get("groups", 1), dilation_rate=k.get("dilation", (1, 1)), **window(k)
    ),
    "depthwise_conv2d": lambda k: L.DepthwiseConv2D(depth_multiplier=k.get("depth_multiplier", 1), **window(k)),
    "separable_conv2d": lambda k: L.SeparableConv2D(
        k["filters"], depth_multiplier=k.get("depth_multiplier", 1), **window(k)
    ),
    "conv2d_transpose": lambda k: L.Conv2DTranspose(k["filters"], **window(k)),
    "max_pool": lambda k: L.MaxPooling2D(**pooling(k)),
    "average_pool": lambda k: L.AveragePooling2D(**pooling(k)),
    "global_average_pool": lambda k: L.GlobalAveragePooling2D(keepdims=k.get("keepdims", False)),
    "global_max_pool": lambda k: L.GlobalMaxPooling2D(keepdims=k.get("keepdims", False)),
    "zero_pad": lambda k: L.ZeroPadding2D(sides(k)),
    "crop": lambda k: L.Cropping2D(sides(k)),
    "upsample": lambda k: L.UpSampling2D(k["size"], interpolation=k["interpolation"]),
    "flatten": lambda k: L.Flatten(),
    "dense": lambda k: L.Dense(k["units"], **ends(k)),
    "activation": lambda k: L.Activation(function(k, k["function"])),
    "prelu": lambda k: L.PReLU(shared_axes=[1, 2]),
    "batch_norm": lambda k: L.BatchNormalization(momentum=k["momentum"], epsilon=k["epsilon"]),
    "layer_norm": lambda k: L.LayerNormalization(epsilon=k["epsilon"]),
    "group_norm": lambda k: L.GroupNormalization(groups=k["groups"], epsilon=k["epsilon"]),
    "squeeze_excite": lambda k: SqueezeExcite(k["ratio"], k["gate"]),
    "add": lambda k: L.Add(),
    "concat": lambda k: L.Concatenate(),
    "multiply": lambda k: L.Multiply(),
}

# What a network calls Keras's variables.
NAMES = {"gamma": "scale", "beta": "offset", "alpha": "slope"}


class Net:
    """A model's layers by place, made when they are first asked for, and their variables by name."""

    def __init__(self, model):
        self.model, self.layers, self.variables = model, {}, {}

    def __call__(self, x):
        self.place = 0
        return self.chain(self.model, x, {})

    def chain(self, items, x, names):
        names = dict(names)
        for item in items:
            x = self.item(item, [names[name] for name in item.get("inputs", [])] or [x], names)
            if "name" in item:
                names[item["name"]] = x
        return x

    def item(self, item, inputs, names):
        if item["kind"] == "residual":
            parts = [item["layers"], item.get("shortcut", [])]
            return self.merge("add", [self.chain(part, inputs[0], names) for part in parts], item)
        if item["kind"] == "branch":
            parts = [self.chain(part, inputs[0], names) for part in item["branches"]]
            return self.merge(item["merge"], parts, item)
        if item["kind"] in ("add", "concat", "multiply"):
            return self.merge(item["kind"], inputs, item)
        return self.layer(item["kind"], item, inputs[0])

    def merge(self, kind, inputs, keys):
        return function(keys, keys.get("activation", "linear"))(self.layer(kind, keys, inputs))

    def layer(self, kind, keys, inputs):
        isNew = self.place not in self.layers
        if isNew:
            self.layers[self.place] = LAYERS[kind](keys)
        layer = self.layers[self.place]
        y = layer(inputs, training=True) if kind == "batch_norm" else layer(inputs)
        if isNew:
            for v in layer.variables:
                self.variables[self.name(kind, v.name)] = v
        self.place += 2 if kind == "separable_conv2d" else 1
        return y

    def name(self, kind, variable):
        if kind == "separable_conv2d":
            if variable == "depthwise_kernel":
                return f"depthwise_conv2d_{self.place}/kernel"
            return f"conv2d_{self.place + 1}/{variable.removeprefix('pointwise_')}"
        return f"{kind}_{self.place}/{NAMES.get(variable, variable)}"


# --- Training -------------------------------------------------------------------------------------


def initial(rng, name, variable, scale):
    kind, role = name.split("_")[0], name.split("/")[1]
    shape = variable.shape
    if not role.endswith("kernel"):
        centre = {"scale": 1, "slope": 0.25}.get(role, 0)
        return (draw(rng, *shape, scale=0.1) + np.float32(centre)).astype(np.float32)
    inputs = shape[:2] if kind == "depthwise" else shape[:-1]
    return draw(rng, *shape, scale=scale / np.sqrt(np.prod(inputs)))


def objective(loss):
    K = keras.losses
    smoothing = loss.get("label_smoothing", 0)
    return {
        "softmax_cross_entropy": lambda: K.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
        "focal": lambda: K.CategoricalFocalCrossentropy(
            alpha=loss["alpha"], gamma=loss["gamma"], from_logits=True
        ),
        "mean_squared_error": lambda: K.MeanSquaredError(),
        "huber": lambda: K.Huber(delta=loss["delta"]),
        "binary_cross_entropy": lambda: K.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing),
    }[loss["name"]]()


def optimizer(rule):
    constants = {k: float(v) for k, v in rule.items() if k != "optimizer"}
    if rule["optimizer"] == "sgd":
        return keras.optimizers.SGD(constants["learning_rate"], momentum=constants["momentum"])
    return keras.optimizers.Adam(
        constants["learning_rate"], beta_1=constants["beta1"], beta_2=constants["beta2"],
        epsilon=constants["epsilon"],
    )


def train(case, seed, images):
    """(initial weights, first gradient, losses, final weights)."""
    net = Net(case["model"])
    x = torch.tensor(images, dtype=torch.float64)
    net(x)
    rng = np.random.default_rng(seed)
    trained = {name: v for name, v in net.variables.items() if v.trainable}
    weights = {name: initial(rng, name, v, case["scale"]) for name, v in trained.items()}
    for name, v in trained.items():
        v.assign(weights[name].astype(np.float64))
    for name, v in net.variables.items():
        if not v.trainable:
            v.assign(np.ones(v.shape) if name.endswith("variance") else np.zeros(v.shape))
    measure, rule = objective(case["loss"]), optimizer(case["rule"])
    rule.build(list(trained.values()))
    targets = torch.eye(3, dtype=torch.float64)[LABELS]
    counts = torch.tensor(case["loss"].get("class_weights", (1, 1, 1)), dtype=torch.float64)[LABELS]
    gradient, losses = None, []
    for step in range(STEPS):
        batch = BATCHES[step % len(BATCHES)]
        for v in trained.values():
            v.value.grad = None
        loss = measure(targets[batch], net(x[batch]), sample_weight=counts[batch])
        loss.backward()
        gradients = [v.value.grad for v in trained.values()]
        if gradient is None:
            gradient = {name: g.numpy().copy() for name, g in zip(trained, gradients)}
        with torch.no_grad():
            rule.apply(gradients, list(trained.values()))
        losses.append(float(loss.detach()))
    final = {name: v.value.detach().numpy() for name, v in net.variables.items()}
    return weights, gradient, losses, final


def differ(a, b):
    """By how much, of the largest."""
    return max(np.abs(a[name] - b[name]).max() / np.abs(a[name]).max() for name in a)


def steady(case):
    near = IMAGES * (1 + 1e-6 * np.random.default_rng(1).choice([-1, 1], IMAGES.shape))
    for seed in range(1, 21):
        weights, gradient, losses, final = train(case, seed, IMAGES)
        _, slope, others, end = train(case, seed, near)
        distance = max(
            differ(gradient, slope), differ(final, end), *(abs(a / b - 1) for a, b in zip(losses, others))
        )
        moved = min(differ({n: w}, {n: final[n]}) for n, w in weights.items())
        if distance < 6e-6 and moved > 0.01 and min(losses) > 0.02:
            break
    else:
        raise SystemExit(f"{case['name']}: no seed of twenty will do")
    print(f"{case['name']}: seed {seed}, {distance:.1e}, loss {losses[0]:.3f} to {losses[-1]:.3f}, {moved:.2g}")
    return {
        "name": case["name"], "source": "keras", "model": case["model"], "loss": case["loss"], **case["rule"],
        "initial": {name: tensor(v) for name, v in weights.items()},
        "gradient": {name: rounded(v) for name, v in gradient.items()},
        "losses": ten_digits(losses), "final": {name: rounded(v) for name, v in final.items()},
    }


# --- The networks ---------------------------------------------------------------------------------

RNG = np.random.default_rng(90)
IMAGES = np.round(RNG.random((12, 6, 6, 2)), 2).astype(np.float32)
LABELS = [0, 1, 2, 1, 2, 2, 0, 1, 0, 2, 1, 0]
# Two tiles each.
BATCHES = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [7, 1, 3, 0, 5, 11, 9, 4, 10]]


def single(name, **constants):
    """An optimizer's constants in float32: 1 - 0.999 is another number there, by a part in 10^5."""
    return {"optimizer": name, **{k: np.float32(v) for k, v in constants.items()}}


SGD, SLOW = (single("sgd", momentum=0.9, learning_rate=rate) for rate in (0.05, 0.005))
# A large epsilon, for a gradient that is rounding alone should move nothing.
ADAM = single("adam", beta1=0.9, beta2=0.999, epsilon=0.1, learning_rate=0.05)

FLATTEN, GLOBAL = {"kind": "flatten"}, {"kind": "global_average_pool"}


def conv(filters, kernel=3, activation="linear", **more):
    kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    return {"kind": "conv2d", "filters": filters, "kernel": kernel, "activation": activation, **more}


def windowed(kind, kernel, activation="linear", **more):
    return {"kind": kind, "kernel": kernel, "activation": activation, **more}


def dense(units, activation="linear", **more):
    return {"kind": "dense", "units": units, "activation": activation, **more}


def pool(kind, size, stride, **more):
    return {"kind": kind, "size": (size, size), "stride": (stride, stride), **more}


def border(kind, top, bottom, left, right):
    return {"kind": kind, "padding": {"top": top, "bottom": bottom, "left": left, "right": right}}


def net(name, *model, rule=SGD, scale=0.8, loss={"name": "softmax_cross_entropy"}):
    return {"name": name, "model": list(model), "rule": rule, "scale": scale, "loss": loss}


HALF = {"stride": (2, 2), "padding": "same"}
NORM = {"kind": "batch_norm", "momentum": 0.9, "epsilon": 1e-3}

FAMILIES = [
    net(
        "depthwise_conv2d",
        windowed("depthwise_conv2d", (3, 3), "tanh", padding="same", depth_multiplier=2),
        windowed("depthwise_conv2d", (2, 3), **HALF), windowed("depthwise_conv2d", (2, 2), "swish", bias=False),
        FLATTEN, dense(3), rule=ADAM,
    ),
    net(
        "separable_conv2d",
        windowed("separable_conv2d", (3, 3), "relu", filters=4, depth_multiplier=2, **HALF),
        windowed("separable_conv2d", (2, 2), "tanh", filters=3, bias=False), FLATTEN, dense(3),
    ),
    net(
        "grouped and dilated conv2d", conv(4, 3, "tanh", padding="same"),
        conv(6, 3, "relu", groups=2, padding="same"), conv(4, (3, 2), "tanh", groups=2, dilation=(2, 3)),
        FLATTEN, dense(3),
    ),
    net(
        "conv2d_transpose", conv(2, 3, "tanh", **HALF),
        windowed("conv2d_transpose", (3, 3), "tanh", filters=3, **HALF),
        windowed("conv2d_transpose", (2, 3), filters=2), conv(2, 4, "relu", stride=(2, 2)), FLATTEN, dense(3),
    ),
    net(
        "max_pool", conv(3, 3, "relu", padding="same"), pool("max_pool", 3, 1),
        conv(4, 1, "tanh"), pool("max_pool", 2, 2), pool("max_pool", 2, 1, padding="same"), FLATTEN, dense(3),
    ),
    net(
        "average_pool", conv(3, 3, "tanh", padding="same"), pool("average_pool", 3, 1, padding="same"),
        conv(4, 1, "tanh"), pool("average_pool", 2, 2), FLATTEN, dense(3), rule=ADAM,
    ),
    net(
        "global_average_pool", conv(5, 3, "tanh"), {**GLOBAL, "keepdims": True}, conv(6, 1, "relu"), GLOBAL,
        dense(3), scale=2,
    ),
    net(
        "global_max_pool", conv(4, 3, "tanh"),
        {"kind": "branch", "merge": "concat", "branches": [
            [{"kind": "global_max_pool"}], [{"kind": "global_max_pool", "keepdims": True}, FLATTEN], [GLOBAL],
        ]},
        dense(3),
    ),
    net(
        "zero_pad and crop", border("zero_pad", 1, 0, 2, 1), conv(3, 3, "tanh"), border("crop", 0, 1, 1, 2),
        conv(2, 2, "relu"), border("zero_pad", 1, 1, 0, 0), pool("average_pool", 2, 2), FLATTEN, dense(3),
    ),
    *(
        net(
            f"upsample, {interpolation}", conv(3, 3, "tanh", **HALF),
            {"kind": "upsample", "size": (2, 3), "interpolation": interpolation},
            conv(2, (3, 4), "tanh", stride=(2, 2)), FLATTEN, dense(3),
        )
        for interpolation in ("nearest", "bilinear")
    ),
    net(
        "batch_norm", conv(3, 3, bias=False), NORM, {"kind": "activation", "function": "relu"},
        conv(4, 2, bias=False, stride=(2, 2)), NORM, {"kind": "activation", "function": "tanh"}, FLATTEN,
        dense(5, bias=False), NORM, dense(3), rule=SLOW,
    ),
    net(
        "layer_norm", conv(4, 3), {"kind": "layer_norm", "epsilon": 1e-3}, conv(3, 2, "tanh", stride=(2, 2)), FLATTEN,
        dense(5), {"kind": "layer_norm", "epsilon": 1e-2}, dense(3), rule=ADAM,
    ),
    net(
        "group_norm", conv(4, 3), {"kind": "group_norm", "groups": 2, "epsilon": 1e-3},
        conv(6, 2, "tanh", stride=(2, 2)), {"kind": "group_norm", "groups": 3, "epsilon": 1e-3}, FLATTEN, dense(3),
        rule=SLOW,
    ),
    net("prelu", conv(4, 3), {"kind": "prelu"}, conv(3, 2, stride=(2, 2)), {"kind": "prelu"}, FLATTEN, dense(3)),
    net(
        "squeeze_excite", conv(4, 3, "tanh"), {"kind": "squeeze_excite", "ratio": 2, "gate": "sigmoid"},
        conv(3, 2, "tanh", stride=(2, 2)), {"kind": "squeeze_excite", "ratio": 1, "gate": "hard_sigmoid"},
        FLATTEN, dense(3), scale=2,
    ),
    net(
        "names and merges", conv(2, 3, "tanh", padding="same", name="stem"), conv(2, 1, "elu", alpha=1),
        conv(2, 3, "tanh", padding="same", name="deep"),
        {"kind": "add", "inputs": ["stem", "deep"], "activation": "relu", "name": "sum"},
        {"kind": "concat", "inputs": ["deep", "sum"], "activation": "tanh"}, conv(3, 3, "tanh", name="map"),
        GLOBAL, dense(3, "sigmoid", name="channels"), conv(1, 1, "sigmoid", inputs=["map"], name="places"),
        {"kind": "multiply", "inputs": ["map", "channels", "places"], "activation": "tanh"}, FLATTEN, dense(3),
        scale=2,
    ),
    net(
        "residual and branch", conv(2, 3, "relu", padding="same"),
        {"kind": "residual", "activation": "relu", "layers": [
            conv(2, 3, "relu", padding="same"), conv(2, 3, padding="same"),
        ]},
        {"kind": "residual", "activation": "tanh", "layers": [conv(3, 3, **HALF)], "shortcut": [conv(3, 1, **HALF)]},
        {"kind": "branch", "merge": "concat", "activation": "tanh", "branches": [
            [conv(2, 1)], [pool("max_pool", 3, 1, padding="same"), conv(2, 1)], [],
        ]},
        {"kind": "branch", "merge": "multiply", "branches": [[conv(2, 2, "sigmoid")], [conv(2, 2)]]},
        FLATTEN, dense(3),
    ),
]

# Each as the end of a layer, as a layer of its own over an image, and over a vector. What is steep or
# flat far from 0 begins there.
ACTIVATIONS = [
    net(
        function if not more else f"{function}, {', '.join(f'{k} {v}' for k, v in more.items())}".lower(),
        conv(3, 3, function, stride=(2, 2), **more), {"kind": "activation", "function": function, **more},
        FLATTEN, dense(4), {"kind": "activation", "function": function, **more}, dense(3), scale=scale,
        rule=SLOW if function == "linear" else SGD,
    )
    for function, more, scale in [
        ("linear", {}, 0.8), ("relu", {}, 1.5), ("relu6", {}, 5), ("leaky_relu", {"slope": 0.2}, 1.5),
        ("elu", {"alpha": 0.7}, 1.5), ("gelu", {"approximate": False}, 1.5), ("gelu", {"approximate": True}, 1.5),
        ("swish", {}, 1.5), ("hard_swish", {}, 4), ("mish", {}, 1.5), ("sigmoid", {}, 3),
        ("hard_sigmoid", {}, 4), ("softplus", {}, 1.5), ("tanh", {}, 1.5), ("softmax", {}, 3),
    ]
]

LOSSES = [
    net(
        ", ".join([loss["name"], *(f"{k} {v}" for k, v in loss.items() if k != "name")]),
        conv(3, 3, "tanh", stride=(2, 2)), FLATTEN, dense(4, "tanh"), dense(3), loss=loss,
    )
    for loss in [
        {"name": "softmax_cross_entropy", "label_smoothing": 0.1, "class_weights": (0.5, 1, 2)},
        {"name": "focal", "gamma": 2, "alpha": 0.25},
        {"name": "focal", "gamma": 0.5, "alpha": 1, "class_weights": (2, 0.25, 1)},
        {"name": "mean_squared_error"},
        {"name": "huber", "delta": 0.5},
        {"name": "binary_cross_entropy", "label_smoothing": 0.2, "class_weights": (1, 0.5, 2)},
    ]
]

if __name__ == "__main__":
    wanted = sys.argv[1:]
    nets = [c for c in FAMILIES + ACTIVATIONS + LOSSES if not wanted or c["name"] in wanted]
    cases = [steady(c) for c in nets]
    if not wanted:
        write(
            "networks.json",
            {"images": tensor(IMAGES), "labels": LABELS, "batches": BATCHES, "cases": cases},
        )
