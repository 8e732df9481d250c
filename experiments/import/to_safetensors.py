"""Weights of Keras or PyTorch as `runner import WEIGHTS.safetensors --spec SPEC.json NAME` takes them.

    python to_safetensors.py MODEL.keras|MODEL.h5|WEIGHTS.pth OUT.safetensors [--flatten CxHxW]

Tensors are called as runner calls them, by kind and number among the kind from 0 (conv2d_1/kernel), in runner's
layout. The spec's layers are to be those of the network, in its order. Keras has the same layout; of PyTorch's
state_dict the kinds follow from the tensors: four indices are a convolution, a depthwise one where each filter
sees one channel (but not the very first), two a dense layer, running_mean a batch norm. The first dense layer
after a Flatten reads channels, rows, columns in PyTorch and rows, columns, channels in runner: --flatten says
their sizes. Needs numpy and safetensors, and keras or torch.
"""

import argparse
import collections

import numpy as np
from safetensors.numpy import save_file


class Names:
    def __init__(self):
        self.counts, self.tensors = collections.Counter(), {}

    def add(self, kind, **tensors):
        number = self.counts[kind]
        self.counts[kind] += 1
        for role, tensor in tensors.items():
            if tensor is not None:
                array = np.ascontiguousarray(tensor, dtype=np.float32)
                self.tensors[f"{kind}_{number}/{role}"] = array


def of_keras(path):
    import keras

    names = Names()

    def add(layer):
        def value(name):
            variable = getattr(layer, name, None)
            return None if variable is None else np.asarray(variable)

        kind = type(layer).__name__
        if hasattr(layer, "layers"):
            for inner in layer.layers:
                add(inner)
        elif kind in ("Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "Dense"):
            name = {"Conv2D": "conv2d", "Conv2DTranspose": "conv2d_transpose", "Dense": "dense",
                    "DepthwiseConv2D": "depthwise_conv2d"}[kind]
            names.add(name, kernel=value("kernel"), bias=value("bias"))
        elif kind == "SeparableConv2D":
            names.add("depthwise_conv2d", kernel=value("depthwise_kernel"))
            names.add("conv2d", kernel=value("pointwise_kernel"), bias=value("bias"))
        elif kind == "BatchNormalization":
            names.add("batch_norm", scale=value("gamma"), offset=value("beta"),
                      moving_mean=value("moving_mean"), moving_variance=value("moving_variance"))
        elif kind in ("LayerNormalization", "GroupNormalization"):
            names.add("layer_norm" if kind[0] == "L" else "group_norm",
                      scale=value("gamma"), offset=value("beta"))
        elif kind == "PReLU":
            names.add("prelu", slope=value("alpha").reshape(-1))
        elif layer.weights:
            raise SystemExit(f"{layer.name}: a {kind} has weights, and no layer of runner's is like it")

    add(keras.saving.load_model(path, compile=False))
    return names.tensors


def of_torch(path, flatten):
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    state = state.get("state_dict", state)
    modules = collections.OrderedDict()
    for name, tensor in state.items():
        module, _, role = name.rpartition(".")
        modules.setdefault(module, {})[role] = np.asarray(tensor)
    names, isFirst = Names(), True
    for module, tensors in modules.items():
        weight, bias = tensors.get("weight"), tensors.get("bias")
        if "running_mean" in tensors:
            names.add("batch_norm", scale=weight, offset=bias, moving_mean=tensors["running_mean"],
                      moving_variance=tensors["running_var"])
        elif weight is None:
            raise SystemExit(f"{module}: has {', '.join(tensors)}, and no layer of runner's is like it")
        elif weight.ndim == 4:
            kernel = weight.transpose(2, 3, 1, 0)
            if weight.shape[1] == 1 and weight.shape[0] > 1 and not isFirst:
                rows, columns, _, filters = kernel.shape
                # How many channels there are only the spec knows; one filter for each is the rule.
                names.add("depthwise_conv2d", kernel=kernel.reshape(rows, columns, filters, 1), bias=bias)
            else:
                names.add("conv2d", kernel=kernel, bias=bias)
        elif weight.ndim == 2:
            kernel = weight.T
            if flatten and kernel.shape[0] == np.prod(flatten):
                kernel = kernel.reshape(*flatten, -1).transpose(1, 2, 0, 3).reshape(kernel.shape)
                flatten = None
            names.add("dense", kernel=kernel, bias=bias)
        elif weight.ndim == 1 and bias is None:
            names.add("prelu", slope=weight)
        elif weight.ndim == 1:
            names.add("layer_norm", scale=weight, offset=bias)
        else:
            raise SystemExit(f"{module}: a weight of {weight.ndim} indices is of no layer of runner's")
        isFirst = False
    return names.tensors


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("out")
    parser.add_argument("--flatten", help="channels, rows, columns before the first dense layer, as 64x5x5")
    options = parser.parse_args()
    if options.file.endswith((".keras", ".h5", ".hdf5")):
        tensors = of_keras(options.file)
    else:
        sizes = [int(size) for size in options.flatten.split("x")] if options.flatten else None
        tensors = of_torch(options.file, sizes)
    save_file(tensors, options.out)
    for name, tensor in tensors.items():
        print(name, "x".join(map(str, tensor.shape)))
