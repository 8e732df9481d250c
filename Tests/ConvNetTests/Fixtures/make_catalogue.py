"""Makes catalogue_layers.json and catalogue_activations.json, with the conventions of
make_fixtures.py, which it imports.

    python make_catalogue.py            # needs torch, torchvision, tensorflow, keras, numpy

A case of catalogue_layers.json names its layer by the keys of "layer", gives its tensors by role
under "parameters", and their gradients under "gradients"; where a case has several layers, by kind and role.
"""

from make_fixtures import MADE_WITH, F, distinct, draw, keras, np, tensor, tf, torch, write

import torchvision

MADE_WITH.update(
    script="make_catalogue.py", torchvision=torchvision.__version__.split("+")[0]
)

SIDES = ("top", "bottom", "left", "right")


def by_keras(function, x, parameters):
    """(output, gradient_output, gradient_input, gradients) of function(x, **parameters)."""
    tx = tf.constant(x, tf.float64)
    values = {k: tf.constant(v, tf.float64) for k, v in parameters.items()}
    with tf.GradientTape() as tape:
        tape.watch([tx, *values.values()])
        y = function(tx, **values)
    g = draw(RNG, *y.shape)
    dx, dp = tape.gradient(y, (tx, values), output_gradients=tf.constant(g, tf.float64))
    return y.numpy(), g, dx.numpy(), {k: v.numpy() for k, v in dp.items()}


def by_torch(function, x, parameters):
    """The same; function gets and gives [N, C, H, W]."""
    tx = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    values = {
        k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in parameters.items()
    }
    y = function(tx.permute(0, 3, 1, 2), **values).permute(0, 2, 3, 1)
    g = draw(RNG, *y.shape)
    y.backward(torch.tensor(g, dtype=torch.float64))
    return y.detach().numpy(), g, tx.grad.numpy(), {k: v.grad.numpy() for k, v in values.items()}


def case(name, source, layer, function, x, parameters=None):
    parameters = parameters or {}
    y, g, dx, gradients = {"keras": by_keras, "torch": by_torch}[source](function, x, parameters)
    CASES.append(
        {
            "name": f"{layer['kind']}: {name}", "source": source, "layer": layer,
            "input": tensor(x), "parameters": {k: tensor(v) for k, v in parameters.items()},
            "output": tensor(y), "gradient_output": tensor(g), "gradient_input": tensor(dx),
            "gradients": {k: tensor(v) for k, v in gradients.items()},
        }
    )


def built(layer, shape, roles):
    """A Keras layer as a function of its input and of its variables by role."""
    layer.build((None, *shape[1:]))
    assert [v.name for v in layer.trainable_variables] == list(roles.values())
    # The layer's own variables would hide the tape's; its formula on given ones is stateless.
    return lambda x, **values: layer.stateless_call([values[role] for role in roles], [], x)[0]


def border(padding):
    """As a layer's key, and as PyTorch's F.pad takes it."""
    top, bottom, left, right = padding
    return dict(zip(SIDES, padding)), (left, right, top, bottom)


def convolutions():
    # name, (N, H, W, C), (KH, KW), filters, stride, padding, groups, dilation
    for name, shape, kernel, filters, stride, padding, groups, dilation in [
        ("2 groups", (2, 5, 6, 4), (3, 3), 6, (1, 1), (0, 0, 0, 0), 2, (1, 1)),
        ("3 groups, stride 2, padding", (2, 6, 5, 6), (3, 2), 3, (2, 2), (1, 0, 1, 2), 3, (1, 1)),
        ("2 groups, 1x1", (2, 4, 3, 6), (1, 1), 4, (1, 1), (0, 0, 0, 0), 2, (1, 1)),
        ("a group for each channel", (1, 5, 5, 5), (3, 3), 10, (1, 1), (1, 1, 1, 1), 5, (1, 1)),
        ("dilation 2", (1, 7, 8, 3), (3, 3), 4, (1, 1), (0, 0, 0, 0), 1, (2, 2)),
        ("dilation (3, 2), stride (1, 2), padding", (2, 7, 6, 2), (3, 2), 4, (1, 2), (2, 3, 1, 0), 1, (3, 2)),
        ("2 groups, dilation 2, same", (1, 6, 5, 4), (3, 3), 4, (1, 1), (2, 2, 2, 2), 2, (2, 2)),
    ]:
        sides, pad = border(padding)
        case(
            name, "torch",
            {
                "kind": "conv2d", "filters": filters, "kernel": kernel, "stride": stride,
                "padding": "same" if "same" in name else sides, "groups": groups, "dilation": dilation,
            },
            lambda x, kernel, bias: F.conv2d(
                F.pad(x, pad), kernel.permute(3, 2, 0, 1), bias, stride, 0, dilation, groups
            ),
            draw(RNG, *shape),
            {"kernel": draw(RNG, *kernel, shape[3] // groups, filters, scale=0.5), "bias": draw(RNG, filters)},
        )


def depthwise():
    # name, (N, H, W, C), (KH, KW), stride, padding, dilation, multiplier
    for name, shape, kernel, stride, padding, dilation, multiplier in [
        ("3x3 valid, 19 channels", (1, 4, 5, 19), (3, 3), 1, "valid", 1, 1),
        ("3x3 same, 3 channels", (2, 5, 6, 3), (3, 3), 1, "same", 1, 1),
        ("3x3 same stride 2, 8 channels", (1, 6, 7, 8), (3, 3), 2, "same", 1, 1),
        ("5x4 valid, multiplier 3", (2, 6, 5, 2), (5, 4), 1, "valid", 1, 3),
        ("3x3 same stride 2, multiplier 2", (1, 7, 7, 5), (3, 3), 2, "same", 1, 2),
        ("dilation 2, same", (1, 5, 4, 17), (3, 3), 1, "same", 2, 1),
    ]:
        channels = shape[3] * multiplier
        case(
            name, "keras",
            {
                "kind": "depthwise_conv2d", "kernel": kernel, "stride": (stride, stride),
                "padding": padding, "dilation": (dilation, dilation), "depth_multiplier": multiplier,
            },
            lambda x, kernel, bias: keras.ops.depthwise_conv(
                x, kernel, strides=stride, padding=padding, dilation_rate=dilation
            ) + bias,
            draw(RNG, *shape),
            {"kernel": draw(RNG, *kernel, shape[3], multiplier, scale=0.5), "bias": draw(RNG, channels)},
        )
    for name, shape, kernel, stride, padding, dilation, multiplier in [
        ("asymmetric padding, stride (1, 3)", (2, 5, 8, 3), (2, 3), (1, 3), (0, 2, 3, 1), (1, 1), 1),
        ("more padding than window", (1, 4, 3, 5), (2, 2), (1, 1), (3, 2, 4, 3), (1, 1), 1),
        ("dilation (2, 3), multiplier 2, stride 2", (1, 7, 9, 3), (3, 2), (2, 2), (1, 2, 0, 1), (2, 3), 2),
    ]:
        sides, pad = border(padding)
        channels = shape[3] * multiplier
        case(
            name, "torch",
            {
                "kind": "depthwise_conv2d", "kernel": kernel, "stride": stride, "padding": sides,
                "dilation": dilation, "depth_multiplier": multiplier,
            },
            lambda x, kernel, bias: F.conv2d(
                F.pad(x, pad), kernel.permute(2, 3, 0, 1).reshape(channels, 1, *kernel.shape[:2]),
                bias, stride, 0, dilation, shape[3],
            ),
            draw(RNG, *shape),
            {"kernel": draw(RNG, *kernel, shape[3], multiplier, scale=0.5), "bias": draw(RNG, channels)},
        )


def transposed():
    for name, shape, kernel, filters, stride, padding in [
        ("3x3 valid", (2, 4, 3, 3), (3, 3), 4, (1, 1), "valid"),
        ("3x3 stride 2 valid", (1, 3, 4, 2), (3, 3), 5, (2, 2), "valid"),
        ("3x3 stride 2 same", (2, 3, 4, 3), (3, 3), 2, (2, 2), "same"),
        ("2x2 stride 2 same", (1, 3, 3, 5), (2, 2), 4, (2, 2), "same"),
        ("2x2 stride 3 valid, gaps", (1, 3, 2, 2), (2, 2), 3, (3, 3), "valid"),
        ("5x4 same", (1, 4, 5, 2), (5, 4), 3, (1, 1), "same"),
    ]:
        case(
            name, "keras",
            {"kind": "conv2d_transpose", "filters": filters, "kernel": kernel, "stride": stride, "padding": padding},
            lambda x, kernel, bias: keras.ops.conv_transpose(
                x, kernel, strides=stride, padding=padding
            ) + bias,
            draw(RNG, *shape),
            {"kernel": draw(RNG, *kernel, filters, shape[3], scale=0.5), "bias": draw(RNG, filters)},
        )
    case(
        "4x3 stride (2, 1), padding 1", "torch",
        {
            "kind": "conv2d_transpose", "filters": 3, "kernel": (4, 3), "stride": (2, 1),
            "padding": dict(zip(SIDES, (1, 1, 1, 1))),
        },
        lambda x, kernel, bias: F.conv_transpose2d(x, kernel.permute(3, 2, 0, 1), bias, (2, 1), 1),
        draw(RNG, 2, 3, 4, 2),
        {"kernel": draw(RNG, 4, 3, 3, 2, scale=0.5), "bias": draw(RNG, 3)},
    )


def pools():
    for name, shape, size, stride, padding in [
        ("2x2, odd size", (2, 7, 5, 3), (2, 2), (2, 2), "valid"),
        ("3x3 stride 2 same", (2, 7, 8, 2), (3, 3), (2, 2), "same"),
        ("3x2 stride 1 same, 17 channels", (1, 3, 4, 17), (3, 2), (1, 1), "same"),
    ]:
        case(
            name, "keras",
            {"kind": "average_pool", "size": size, "stride": stride, "padding": padding, "count_include_pad": False},
            lambda x: keras.ops.average_pool(x, size, strides=stride, padding=padding), draw(RNG, *shape),
        )
    for counts in (False, True):
        case(
            f"3x3 stride 2, padding 1, counted: {counts}", "torch",
            {
                "kind": "average_pool", "size": (3, 3), "stride": (2, 2),
                "padding": dict(zip(SIDES, (1, 1, 1, 1))), "count_include_pad": counts,
            },
            lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=counts), draw(RNG, 2, 6, 7, 2),
        )
    shape = (2, 3, 2, 19)
    case("to a vector", "keras", {"kind": "global_average_pool", "keepdims": False},
         lambda x: keras.layers.GlobalAveragePooling2D()(x), draw(RNG, *shape))
    case("to an image", "keras", {"kind": "global_average_pool", "keepdims": True},
         lambda x: keras.layers.GlobalAveragePooling2D(keepdims=True)(x), draw(RNG, 1, 3, 3, 5))
    case("to a vector", "keras", {"kind": "global_max_pool", "keepdims": False},
         lambda x: keras.layers.GlobalMaxPooling2D()(x), distinct(RNG, *shape))
    case("to an image, all negative", "keras", {"kind": "global_max_pool", "keepdims": True},
         lambda x: keras.layers.GlobalMaxPooling2D(keepdims=True)(x),
         (distinct(RNG, 1, 3, 4, 3) - np.float32(9)).astype(np.float32))


def frames():
    for sides in [(1, 1, 1, 1), (2, 0, 1, 3)]:
        named = dict(zip(SIDES, sides))
        pairs = (sides[:2], sides[2:])
        case(f"{sides}", "keras", {"kind": "zero_pad", "padding": named},
             lambda x: keras.layers.ZeroPadding2D(pairs)(x), draw(RNG, 2, 4, 3, 3))
        case(f"{sides}", "keras", {"kind": "crop", "padding": named},
             lambda x: keras.layers.Cropping2D(pairs)(x), draw(RNG, 2, 5, 7, 3))
    for size in [(2, 2), (3, 4)]:
        case(f"{size}", "keras", {"kind": "upsample", "size": size, "interpolation": "nearest"},
             lambda x: keras.layers.UpSampling2D(size)(x), draw(RNG, 1, 3, 4, 2))
        x = draw(RNG, 1, 3, 4, 2)
        case(f"{size}, bilinear", "torch", {"kind": "upsample", "size": size, "interpolation": "bilinear"},
             lambda x: F.interpolate(x, scale_factor=size, mode="bilinear", align_corners=False), x)
        # TensorFlow's is in float32, so PyTorch's numbers are kept; they are the same.
        same = keras.layers.UpSampling2D(size, interpolation="bilinear")(tf.constant(x)).numpy()
        assert np.allclose(same, CASES[-1]["output"]["values"].reshape(same.shape), atol=1e-6)


def norms():
    def build(layer, shape, parameters):
        return built(layer, shape, {role: {"scale": "gamma", "offset": "beta"}[role] for role in parameters})

    def parameters(channels, scale, center):
        both = {"scale": draw(RNG, channels, scale=0.5) + np.float32(1), "offset": draw(RNG, channels)}
        return {k: v.astype(np.float32) for k, v in both.items() if {"scale": scale, "offset": center}[k]}

    for name, shape, epsilon, scale, center in [
        ("images", (2, 3, 4, 5), 1e-3, True, True),
        ("vectors, 37 channels", (3, 37), 1e-5, True, True),
        ("without scale", (2, 7), 1e-3, False, True),
        ("without center", (2, 2, 3, 18), 1e-3, True, False),
    ]:
        values = parameters(shape[-1], scale, center)
        layer = keras.layers.LayerNormalization(epsilon=epsilon, scale=scale, center=center, dtype="float64")
        case(
            name, "keras", {"kind": "layer_norm", "epsilon": epsilon, "scale": scale, "center": center},
            build(layer, shape, values), draw(RNG, *shape), values,
        )
    for name, shape, groups, epsilon, scale, center in [
        ("2 groups of 3", (2, 3, 4, 6), 2, 1e-3, True, True),
        ("1 group", (2, 3, 3, 5), 1, 1e-5, True, True),
        ("a group for each channel", (2, 4, 3, 4), 4, 1e-3, True, True),
        ("2 groups of 18, without scale", (1, 2, 3, 36), 2, 1e-3, False, True),
        ("without center", (2, 3, 2, 4), 2, 1e-3, True, False),
    ]:
        values = parameters(shape[-1], scale, center)
        layer = keras.layers.GroupNormalization(
            groups=groups, epsilon=epsilon, scale=scale, center=center, dtype="float64"
        )
        x = draw(RNG, *shape) + np.arange(shape[-1], dtype=np.float32) / 2
        case(
            name, "keras",
            {"kind": "group_norm", "groups": groups, "epsilon": epsilon, "scale": scale, "center": center},
            build(layer, shape, values), x.astype(np.float32), values,
        )


def slopes():
    case("5 channels", "torch", {"kind": "prelu"}, lambda x, slope: F.prelu(x, slope),
         draw(RNG, 2, 4, 3, 5), {"slope": draw(RNG, 5, scale=0.5)})
    case("17 channels", "torch", {"kind": "prelu"}, lambda x, slope: F.prelu(x, slope),
         draw(RNG, 1, 2, 3, 17), {"slope": draw(RNG, 17, scale=0.5)})


def squeeze_excitation(x, squeeze_kernel, squeeze_bias, kernel, bias, gate):
    """torchvision's, of [N, C, H, W], with the kernels of two dense layers."""
    gates = {"sigmoid": torch.nn.Sigmoid, "hard_sigmoid": torch.nn.Hardsigmoid}
    block = torchvision.ops.SqueezeExcitation(*squeeze_kernel.shape, scale_activation=gates[gate])
    weights = {
        "fc1.weight": squeeze_kernel.T[:, :, None, None], "fc1.bias": squeeze_bias,
        "fc2.weight": kernel.T[:, :, None, None], "fc2.bias": bias,
    }
    return torch.func.functional_call(block, weights, (x,))


def squeezes():
    for name, shape, ratio, gate in [
        ("sigmoid", (2, 3, 2, 12), 4, "sigmoid"), ("hard_sigmoid, 17 channels", (1, 2, 3, 17), 2, "hard_sigmoid"),
    ]:
        channels, squeezed = shape[3], max(1, shape[3] // ratio)
        case(
            name, "torch", {"kind": "squeeze_excite", "ratio": ratio, "gate": gate},
            lambda x, **weights: squeeze_excitation(x, **weights, gate=gate), draw(RNG, *shape),
            {
                "squeeze_kernel": draw(RNG, channels, squeezed, scale=0.5), "squeeze_bias": draw(RNG, squeezed),
                "kernel": draw(RNG, squeezed, channels, scale=0.5), "bias": draw(RNG, channels),
            },
        )


def separables():
    L = keras.layers.SeparableConv2D
    # name, (N, H, W, C), (KH, KW), filters, stride, padding, multiplier, activation, bias
    for name, shape, kernel, filters, stride, padding, multiplier, activation, bias in [
        ("3x3 valid", (2, 5, 6, 3), (3, 3), 4, 1, "valid", 1, "linear", True),
        ("3x3 same stride 2, multiplier 2, tanh", (2, 6, 5, 3), (3, 3), 5, 2, "same", 2, "tanh", True),
        ("2x3 same, multiplier 3, gelu", (1, 4, 5, 2), (2, 3), 7, 1, "same", 3, "gelu", True),
        ("5x4 valid stride 2, relu, without bias", (9, 8, 7, 2), (5, 4), 3, 2, "valid", 1, "relu", False),
    ]:
        layer = L(
            filters, kernel, strides=stride, padding=padding, depth_multiplier=multiplier,
            activation=activation, use_bias=bias, dtype="float64",
        )
        roles = {"depthwise_conv2d/kernel": "depthwise_kernel", "conv2d/kernel": "pointwise_kernel"}
        parameters = {
            "depthwise_conv2d/kernel": draw(RNG, *kernel, shape[3], multiplier, scale=0.5),
            "conv2d/kernel": draw(RNG, 1, 1, shape[3] * multiplier, filters, scale=0.5),
        }
        if bias:
            roles["conv2d/bias"] = "bias"
            parameters["conv2d/bias"] = draw(RNG, filters)
        case(
            name, "keras",
            {
                "kind": "separable_conv2d", "filters": filters, "kernel": kernel, "stride": (stride, stride),
                "padding": padding, "depth_multiplier": multiplier, "activation": activation,
                "approximate": False, "bias": bias,
            },
            built(layer, shape, roles), draw(RNG, *shape), parameters,
        )


def dense():
    for name, shape, units, activation, bias in [
        ("5 to 7", (3, 5), 7, "linear", True),
        ("37 to 4, tanh, without bias", (2, 37), 4, "tanh", False),
        ("6 to 19, relu, two tiles", (11, 6), 19, "relu", True),
        ("4 to 5, softmax", (3, 4), 5, "softmax", True),
    ]:
        layer = keras.layers.Dense(units, activation=activation, use_bias=bias, dtype="float64")
        parameters = {"kernel": draw(RNG, shape[1], units, scale=0.5)}
        if bias:
            parameters["bias"] = draw(RNG, units)
        case(
            name, "keras", {"kind": "dense", "units": units, "activation": activation, "bias": bias},
            built(layer, shape, {role: role for role in parameters}), draw(RNG, *shape), parameters,
        )


def identities():
    for shape in [(2, 3, 4, 5), (9, 2, 1, 3)]:
        case("an image", "keras", {"kind": "flatten"},
             lambda x: keras.layers.Flatten(dtype="float64")(x), draw(RNG, *shape))
    for name, shape in [("an image", (2, 3, 2, 4)), ("vectors", (9, 5))]:
        case(f"linear, {name}", "keras", {"kind": "activation", "function": "linear"},
             lambda x: keras.layers.Activation("linear", dtype="float64")(x), draw(RNG, *shape))


def activations():
    # Between the kinks, where a slope is a matter of taste.
    x = (np.linspace(-6, 6, 49) + 0.03125).astype(np.float32)
    x = np.concatenate([x, np.array([-100, -30, -12, 12, 30, 100], np.float32)])
    g = draw(RNG, x.size)
    cases = []
    for name, function in [
        ("relu6", keras.ops.relu6), ("swish", keras.ops.silu), ("hard_swish", keras.ops.hard_silu),
        ("hard_sigmoid", keras.ops.hard_sigmoid), ("mish", keras.activations.mish),
        ("softplus", keras.ops.softplus),
    ]:
        tx = tf.constant(x, tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(tx)
            y = function(tx)
        dx = tape.gradient(y, tx, output_gradients=tf.constant(g, tf.float64))
        cases.append(
            {
                "name": name, "source": "keras", "input": tensor(x), "output": tensor(y),
                "gradient_output": tensor(g), "gradient_input": tensor(dx),
            }
        )
    write("catalogue_activations.json", {"cases": cases})


if __name__ == "__main__":
    CASES = []
    RNG = np.random.default_rng(20)
    for maker in [
        convolutions, depthwise, transposed, pools, frames, norms, slopes, squeezes, activations, separables,
        dense, identities,
    ]:
        maker()
    write("catalogue_layers.json", {"cases": CASES})
