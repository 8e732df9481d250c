"""Makes onnx.json and onnx-unmatched.md from the ONNX project's own node tests.

    python make_onnx_fixtures.py            # needs onnx, numpy

A node test is one operator with its inputs and the outputs that it must give. Those of operators that
have a counterpart here become cases: channels go last, kernels become [KH, KW, Cin, Cout], and an axis
that a layer takes for its channels is moved there. Nothing is computed but sides of a padding that the
operator leaves to be inferred, and, for the optimizers, the rate and the gradient that come of
attributes which belong elsewhere here (a decay of the rate, an L2 term).

Of tests that hold more than LARGEST numbers a part is kept that is worked out by itself: the first
channel of a pooling, the first elements of an activation, the first samples of a loss. Every test that
isn't a case is listed with the reason.
"""

import collections
import json
import pathlib
import platform

import numpy as np
import onnx
from onnx import numpy_helper

LARGEST = 2500
# Outputs that were written down by hand, with so few digits.
ROUNDED = {"averagepool_2d_ceil_last_window_starts_on_pad": 2e-4}
HERE = pathlib.Path(__file__).parent
TESTS = pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
SIDES = ("top", "bottom", "left", "right")


class Unmatched(Exception):
    """Why a test of an operator that has a counterpart is none of ours."""


def unless(condition, reason):
    if condition:
        raise Unmatched(reason)


def tensor(array):
    array = np.asarray(array, np.float32)
    # The fewest digits that read back as the same float32.
    return {"shape": list(array.shape), "values": [float(str(v)) for v in array.ravel()]}


def nhwc(x):
    unless(x.ndim != 4, "images have two sides here, not one or three")
    return x.transpose(0, 2, 3, 1)


def case(layers, x, y, parameters=None, **more):
    layers = layers if isinstance(layers, list) else [layers]
    return {
        "layers": layers, "input": tensor(x),
        "parameters": {k: tensor(v) for k, v in (parameters or {}).items()}, "output": tensor(y), **more,
    }


# --- Layers: function(attributes, inputs, outputs) ------------------------------------------------


def window(a, size, kernel, ceils=False):
    """Stride, dilation and padding of a window; "same", or four sides."""
    rank = len(kernel)
    stride, dilation = a.get("strides", [1] * rank), a.get("dilations", [1] * rank)
    automatic = a.get("auto_pad", "NOTSET")
    if automatic == "SAME_UPPER":
        return stride, dilation, "same"
    pads = list(a.get("pads", [0] * 2 * rank))
    for i in range(rank):
        span = (kernel[i] - 1) * dilation[i] + 1
        if automatic == "SAME_LOWER":
            total = max((-(-size[i] // stride[i]) - 1) * stride[i] + span - size[i], 0)
            pads[i], pads[rank + i] = total - total // 2, total // 2
        if ceils:
            # A last window may hang over the edge, unless it begins in the padding.
            count = -(-(size[i] + pads[i] + pads[rank + i] - span) // stride[i]) + 1
            if (count - 1) * stride[i] >= size[i] + pads[i]:
                count -= 1
            over = (count - 1) * stride[i] + span - size[i] - pads[i]
            if over > pads[rank + i]:
                unless(a.get("count_include_pad"), "what hangs over counts differently from padding")
                pads[rank + i] = over
    return stride, dilation, sides(pads)


def sides(pads):
    top, left, bottom, right = pads
    return dict(zip(SIDES, (top, bottom, left, right)))


def conv(a, inputs, outputs):
    x, w, *bias = inputs
    images = nhwc(x)
    stride, dilation, padding = window(a, x.shape[2:], w.shape[2:])
    layer = {
        "kind": "conv2d", "filters": w.shape[0], "kernel": w.shape[2:], "stride": stride,
        "padding": padding, "groups": a.get("group", 1), "dilation": dilation,
    }
    parameters = {"kernel": w.transpose(2, 3, 1, 0), "bias": bias[0] if bias else np.zeros(w.shape[0])}
    return case(layer, images, nhwc(outputs[0]), parameters)


def conv_transpose(a, inputs, outputs):
    x, w, *bias = inputs
    images = nhwc(x)
    unless(a.get("group", 1) != 1, "a transposed convolution has no groups here")
    unless(set(a.get("dilations", [1])) != {1}, "a transposed convolution has no dilation here")
    stride, kernel = a.get("strides", [1, 1]), w.shape[2:]
    extra = a.get("output_padding", [0, 0])
    pads = list(a.get("pads", [0] * 4))
    rest = []
    if a.get("auto_pad", "NOTSET").startswith("SAME"):
        unless(a["auto_pad"] != "SAME_UPPER", "an odd row of padding goes to the bottom here")
        padding = "same"
    else:
        for i in range(2):
            if "output_shape" in a:
                total = stride[i] * (x.shape[2 + i] - 1) + extra[i] + kernel[i] - a["output_shape"][i]
                # Where there is too little, it comes after.
                pads[i], pads[2 + i] = max(0, total - total // 2), min(total, total // 2)
            pads[2 + i] -= extra[i]
        # Rows that no input reaches.
        after = [max(0, -p) for p in pads[2:]]
        if any(after):
            rest = [{"kind": "zero_pad", "padding": sides([0, 0, *after])}]
        padding = sides([max(0, p) for p in pads])
    layer = {
        "kind": "conv2d_transpose", "filters": w.shape[1], "kernel": kernel, "stride": stride,
        "padding": padding,
    }
    parameters = {"kernel": w.transpose(2, 3, 1, 0), "bias": bias[0] if bias else np.zeros(w.shape[1])}
    return case([layer, *rest], images, nhwc(outputs[0]), parameters)


def pool(kind):
    def convert(a, inputs, outputs):
        x, y = inputs[0], outputs[0]
        unless(x.dtype != np.float32, "the numbers are no floats")
        images = nhwc(x)
        unless(set(a.get("dilations", [1])) != {1}, "a pooling's window has no dilation here")
        stride, _, padding = window(a, x.shape[2:], a["kernel_shape"], a.get("ceil_mode"))
        layer = {"kind": kind, "size": a["kernel_shape"], "stride": stride, "padding": padding}
        if kind == "average_pool":
            layer["count_include_pad"] = bool(a.get("count_include_pad"))
        y = nhwc(y)
        if images.size + y.size > LARGEST:
            images, y = images[:1, :, :, :1], y[:1, :, :, :1]
        return case(layer, images, y)

    return convert


def global_pool(kind):
    return lambda a, inputs, outputs: case(
        {"kind": kind, "keepdims": True}, nhwc(inputs[0]), nhwc(outputs[0])
    )


def batch_norm(a, inputs, outputs):
    x, scale, offset, mean, variance = inputs
    momentum = a.get("momentum", 0.9)
    layer = {"kind": "batch_norm", "epsilon": a.get("epsilon", 1e-5), "momentum": momentum}
    parameters = {"scale": scale, "offset": offset, "moving_mean": mean, "moving_variance": variance}
    more = {}
    if a.get("training_mode"):
        more["training"] = True
        more["after"] = {"moving_mean": tensor(outputs[1]), "moving_variance": tensor(outputs[2])}
    if x.ndim == 2:
        return case(layer, x, outputs[0], parameters, **more)
    return case(layer, nhwc(x), nhwc(outputs[0]), parameters, **more)


def standardized(a, inputs, outputs):
    """Batch normalisation without parameters."""
    unless(list(a.get("axes", [0, 2, 3])) != [0, 2, 3], "other axes")
    layer = {"kind": "batch_norm", "epsilon": 1e-9, "momentum": 0.9}
    return case(layer, nhwc(inputs[0]), nhwc(outputs[0]), training=True)


def layer_norm(a, inputs, outputs):
    """What is normalised together lies together, so it is a vector whatever its rank."""
    x, scale, *offset = inputs
    axis = a.get("axis", -1) % x.ndim
    size = int(np.prod(x.shape[axis:]))
    layer = {
        "kind": "layer_norm", "epsilon": a.get("epsilon", 1e-5), "scale": True, "center": bool(offset),
    }
    parameters = {"scale": scale.ravel()}
    if offset:
        parameters["offset"] = offset[0].ravel()
    return case(layer, x.reshape(-1, size), outputs[0].reshape(-1, size), parameters)


def group_norm(a, inputs, outputs):
    x, scale, offset = inputs
    unless(scale.shape != x.shape[1:2], "scale and offset are those of groups, not of channels")
    layer = {
        "kind": "group_norm", "groups": a.get("num_groups", x.shape[1]),
        "epsilon": a.get("epsilon", 1e-5), "scale": True, "center": True,
    }
    return case(layer, nhwc(x), nhwc(outputs[0]), {"scale": scale, "offset": offset})


def gemm(a, inputs, outputs):
    x, w, *bias = inputs
    x = x.T if a.get("transA") else x
    w = a.get("alpha", 1.0) * (w.T if a.get("transB") else w)
    units = w.shape[1]
    b = a.get("beta", 1.0) * bias[0] if bias else np.zeros(units)
    unless(np.ndim(b) == 2 and b.shape[0] != 1, "a bias is the same for all samples here")
    b = np.broadcast_to(b, (1, units))[0]
    return case({"kind": "dense", "units": units}, x, outputs[0], {"kernel": w, "bias": b})


def matmul(a, inputs, outputs):
    x, w = inputs
    unless(x.dtype != np.float32, "the numbers are no float32")
    unless(x.ndim > 2 or w.ndim > 2, "a layer has one kernel for all samples here")
    x, w = np.atleast_2d(x), w.reshape(w.shape[0], -1)
    units = w.shape[1]
    parameters = {"kernel": w, "bias": np.zeros(units)}
    return case({"kind": "dense", "units": units}, x, outputs[0].reshape(-1, units), parameters)


def activation(name, **known):
    """One number at a time: all of them are one sample. `known` gives the layer's keys by the
    operator's attributes, with their defaults."""

    def convert(a, inputs, outputs):
        x, y = inputs[0], outputs[0]
        keys = {key: a.get(attribute, default) for attribute, (key, default) in known.items()}
        if name == "gelu":
            keys = {"approximate": a.get("approximate", "none") == "tanh"}
        if name == "hard_sigmoid":
            kept = (a.get("alpha", 0.2), a.get("beta", 0.5))
            unless(not np.allclose(kept, (1 / 6, 0.5)), "its slope is 1/6 here, as Keras's and PyTorch's")
            keys = {}
        if name == "swish":
            unless(a.get("alpha", 1.0) != 1, "the factor within the sigmoid is 1 here")
            keys = {}
        layer = {"kind": "activation", "function": name, **keys}
        part = slice(LARGEST // 10 if x.size > LARGEST else None)
        return case(layer, x.reshape(1, -1)[:, part], y.reshape(1, -1)[:, part])

    return convert


def channels_last(x, axis):
    """The axis as the features of samples."""
    return np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])


def softmax(a, inputs, outputs):
    axis = a.get("axis", -1)
    layer = {"kind": "activation", "function": "softmax"}
    return case(layer, channels_last(inputs[0], axis), channels_last(outputs[0], axis))


def prelu(a, inputs, outputs):
    x, slope = inputs
    size = slope.size
    unless(x.shape[x.ndim - slope.ndim :] != slope.shape, "slopes go along the channels here")
    y = outputs[0].reshape(-1, size)
    return case({"kind": "prelu"}, x.reshape(-1, size), y, {"slope": slope.ravel()})


def dropout(a, inputs, outputs):
    x = inputs[0]
    ratio = float(inputs[1]) if len(inputs) > 1 and inputs[1] is not None else a.get("ratio", 0.5)
    training = len(inputs) > 2 and bool(inputs[2])
    unless(training and ratio > 0, "the mask is drawn by another generator")
    layer = {"kind": "dropout", "rate": ratio}
    return case(layer, x.reshape(1, -1), outputs[0].reshape(1, -1), training=training)


def flatten(a, inputs, outputs):
    x = inputs[0]
    unless(x.ndim != 4, "images have two sides here")
    unless(a.get("axis", 1) % x.ndim != 1, "flatten keeps samples apart, and nothing else, here")
    # Flattening alone computes nothing, so something stands before it.
    layers = [{"kind": "activation", "function": "linear"}, {"kind": "flatten"}]
    return case(layers, x, outputs[0])


def resize(a, inputs, outputs):
    x, y = inputs[0], outputs[0]
    mode = a.get("mode", "nearest")
    unless(mode == "cubic", "cubic interpolation isn't offered")
    unless(any(y.shape[i] % x.shape[i] for i in range(x.ndim)), "factors are whole numbers here")
    factors = [y.shape[i] // x.shape[i] for i in range(x.ndim)]
    unless(len(factors) != 4 or factors[:2] != [1, 1], "images have two sides here")
    coordinates = a.get("coordinate_transformation_mode", "half_pixel")
    if mode == "linear" or max(factors) > 1:
        unless(
            coordinates not in ("half_pixel", "half_pixel_symmetric")
            and not (mode == "nearest" and a.get("nearest_mode") == "floor" and coordinates == "asymmetric"),
            f"{coordinates} isn't offered",
        )
        unless(
            mode == "nearest" and a.get("nearest_mode", "round_prefer_floor") in ("ceil", "floor")
            and coordinates != "asymmetric", "nearest means the nearest here",
        )
    unless(a.get("antialias") or a.get("exclude_outside"), "antialias isn't offered")
    interpolation = "bilinear" if mode == "linear" else "nearest"
    layer = {"kind": "upsample", "size": factors[2:], "interpolation": interpolation}
    return case(layer, nhwc(x), nhwc(y))


def pad(a, inputs, outputs):
    x, pads = inputs[:2]
    unless(a.get("mode", "constant") != "constant", f"a frame holds zeros here, no {a.get('mode')}")
    unless(len(inputs) > 2 and inputs[2] is not None and float(inputs[2]) != 0, "a frame holds zeros here")
    unless(len(inputs) > 3, "some axes")
    rank = x.ndim
    unless(rank != 4 or any(pads[i] or pads[rank + i] for i in (0, 1)), "only images are framed here")
    layer = {"kind": "zero_pad", "padding": sides([int(pads[i]) for i in (2, 3, 6, 7)])}
    return case(layer, nhwc(x), nhwc(outputs[0]))


# --- Merges, losses, optimizers -------------------------------------------------------------------


def merge(kind):
    def convert(a, inputs, outputs):
        unless(len(inputs) < 2, "a merge reads two tensors or more here")
        unless(any(x.dtype != np.float32 for x in inputs), "the numbers are no floats")
        axis = a.get("axis", -1)
        if kind != "concat":
            unless(any(x.shape != inputs[0].shape for x in inputs), "the second tensor has no samples; here every tensor that is merged has")
        return {
            "kind": kind, "inputs": [tensor(channels_last(x, axis)) for x in inputs],
            "output": tensor(channels_last(outputs[0], axis)),
        }

    return convert


def cross_entropy(a, inputs, outputs):
    scores, labels, *weights = inputs
    unless("ignore_index" in a, "every sample has a class here")
    rows = channels_last(scores, 1)
    labels, loss = labels.ravel(), np.atleast_1d(outputs[0]).ravel()
    reduction = a.get("reduction", "mean")
    if rows.size > LARGEST:
        unless(reduction != "none", "too large to be kept, unlike its smaller forms")
        part = slice(LARGEST // 10)
        rows, labels, loss = rows[part], labels[part], loss[part]
    result = {
        "reduction": reduction, "scores": tensor(rows), "labels": [int(v) for v in labels],
        "loss": tensor(loss),
    }
    if weights:
        result["class_weights"] = [float(str(v)) for v in weights[0]]
    return result


def optimizer(name, moments):
    """Cases, one for each tensor that is optimized."""

    def convert(a, inputs, outputs):
        rate, step, *rest = inputs
        rate, step = float(rate), int(step)
        unless(a.get("norm_coefficient_post"), "decay after the update isn't offered")
        count = len(rest) // (2 + moments)
        keys = {"epsilon": a.get("epsilon", 1e-6)}
        if name == "adagrad":
            rate /= 1 + step * a.get("decay_factor", 0.0)
        elif name == "adam":
            keys.update(beta1=a.get("alpha", 0.9), beta2=a.get("beta", 0.999))
            # Before the first step ONNX corrects no bias; ours does, at its first.
            power = max(step, 1)
            correction = np.sqrt(1 - keys["beta2"] ** power) / (1 - keys["beta1"] ** power)
            if step == 0:
                rate /= correction
            step = power
        else:
            unless(step > 0 and a["beta"] != 1, "the gradient counts whole in a momentum here")
            keys = {"momentum": a["alpha"], "nesterov": a["mode"] == "nesterov"}
        cases = []
        for i in range(count):
            x, g, *state = (rest[k * count + i] for k in range(2 + moments))
            new, *after = (outputs[k * count + i] for k in range(1 + moments))
            g = g + np.float32(a.get("norm_coefficient", 0.0)) * x
            cases.append(
                {
                    "rule": name, **keys, "learning_rate": rate, "step": max(step, 1),
                    "parameters": tensor(x), "gradient": tensor(g), "moments": [tensor(s) for s in state],
                    "updated": tensor(new), "updated_moments": [tensor(s) for s in after],
                }
            )
        return cases

    return convert


LAYERS = {
    "Conv": conv, "ConvTranspose": conv_transpose, "AveragePool": pool("average_pool"),
    "MaxPool": pool("max_pool"), "GlobalAveragePool": global_pool("global_average_pool"),
    "GlobalMaxPool": global_pool("global_max_pool"), "BatchNormalization": batch_norm,
    "MeanVarianceNormalization": standardized, "LayerNormalization": layer_norm,
    "GroupNormalization": group_norm,
    "InstanceNormalization": group_norm, "Gemm": gemm, "MatMul": matmul, "Relu": activation("relu"),
    "LeakyRelu": activation("leaky_relu", alpha=("slope", 0.01)),
    "Elu": activation("elu", alpha=("alpha", 1.0)), "Gelu": activation("gelu"),
    "Sigmoid": activation("sigmoid"), "Tanh": activation("tanh"), "Softplus": activation("softplus"),
    "HardSigmoid": activation("hard_sigmoid"), "HardSwish": activation("hard_swish"),
    "Mish": activation("mish"), "Swish": activation("swish"), "Identity": activation("linear"),
    "Softmax": softmax, "PRelu": prelu, "Dropout": dropout, "Flatten": flatten, "Resize": resize,
    "Upsample": resize, "Pad": pad,
}
MERGES = {"Add": merge("add"), "Sum": merge("add"), "Mul": merge("multiply"), "Concat": merge("concat")}
LOSSES = {"SoftmaxCrossEntropyLoss": cross_entropy}
OPTIMIZERS = {
    "Adagrad": optimizer("adagrad", 1), "Adam": optimizer("adam", 2), "Momentum": optimizer("momentum", 1),
}
KINDS = {"layers": LAYERS, "merges": MERGES, "losses": LOSSES, "optimizers": OPTIMIZERS}


# --- Reading and writing --------------------------------------------------------------------------


def attributes(node):
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {k: v.decode() if isinstance(v, bytes) else v for k, v in values.items()}


def read(folder, names, prefix):
    """The tensors of a test by name, in the node's order; None for those that aren't given."""
    found = []
    for i, name in enumerate(names):
        path = folder / "test_data_set_0" / f"{prefix}_{i}.pb"
        value = onnx.TensorProto.FromString(path.read_bytes())
        found.append((name, numpy_helper.to_array(value)))
    return dict(found)


def main():
    kept = {kind: [] for kind in KINDS}
    unmatched, others, written_out = [], collections.Counter(), collections.Counter()
    folders = sorted(p for p in TESTS.iterdir() if (p / "model.onnx").exists())
    for folder in folders:
        model = onnx.load(folder / "model.onnx")
        nodes = model.graph.node
        name = folder.name.removeprefix("test_")
        if "_expanded" in name:
            written_out[name.split("_expanded")[0]] += 1
            continue
        operator = nodes[0].op_type
        converters = {kind: table[operator] for kind, table in KINDS.items() if operator in table}
        if len(nodes) != 1 or not converters:
            others[" and ".join(sorted({n.op_type for n in nodes}))] += 1
            continue
        (kind, convert), = converters.items()
        try:
            unless(
                any(not v.type.HasField("tensor_type") for v in model.graph.input), "no tensors"
            )
            given = read(folder, [v.name for v in model.graph.input], "input")
            gave = read(folder, [v.name for v in model.graph.output], "output")
            inputs = [given.get(n) for n in nodes[0].input]
            outputs = [gave.get(n) for n in nodes[0].output]
            cases = convert(attributes(nodes[0]), inputs, outputs)
        except Unmatched as reason:
            unmatched.append((operator, name, str(reason)))
            continue
        for each in cases if isinstance(cases, list) else [cases]:
            if name in ROUNDED:
                each["tolerance"] = ROUNDED[name]
            kept[kind].append({"name": name, "operator": operator, **each})

    made_with = {
        "script": "make_onnx_fixtures.py", "python": platform.python_version(),
        "numpy": np.__version__, "onnx": onnx.__version__,
    }
    parts = [f'  "made_with": {json.dumps(made_with)}']
    for kind, cases in kept.items():
        lines = ",\n".join("    " + json.dumps(c, default=to_json) for c in cases)
        parts.append(f'  "{kind}": [\n{lines}\n  ]')
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    (HERE / "onnx.json").write_text(text)
    print(f"onnx.json: {len(text) / 1000:.1f} kB")

    tests = {kind: len({c["name"] for c in cases}) for kind, cases in kept.items()}
    (HERE / "onnx-unmatched.md").write_text(
        listing(len(folders), tests, unmatched, others, written_out)
    )


def to_json(value):
    return value.item() if isinstance(value, np.generic) else list(value)


def listing(total, tests, unmatched, others, written_out):
    matched = sum(tests.values())
    by_kind = ", ".join(f"{count} of {kind}" for kind, count in tests.items())
    lines = [
        "# ONNX's node tests without a counterpart", "",
        f"Written by make_onnx_fixtures.py. Of the {total} node tests of onnx {onnx.__version__}, "
        f"{matched} are cases of onnx.json ({by_kind}), which all pass; {len(unmatched)} are of such "
        f"operators but of a form that isn't offered; {sum(others.values())} are of other operators; "
        f"{sum(written_out.values())} (`_expanded`) say a test again with the operator written out in "
        "more basic ones.", "",
        "## Forms that aren't offered", "", "| operator | tests | why |", "| --- | --- | --- |",
    ]
    groups = collections.defaultdict(list)
    for operator, name, reason in unmatched:
        groups[operator, reason].append(name)
    for (operator, reason), names in sorted(groups.items()):
        lines.append(f"| {operator} | {', '.join(f'`{n}`' for n in names)} | {reason} |")
    lines += ["", "## Other operators", "", "| operator | tests |", "| --- | ---: |"]
    lines += [f"| {operator} | {count} |" for operator, count in sorted(others.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
