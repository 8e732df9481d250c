"""Small networks as PyTorch, Keras and tf2onnx export them, and what ONNX Runtime answers.

    python make_onnx.py torch    # with torch 2.x, onnx, onnxscript, onnxruntime
    python make_onnx.py keras    # with keras 3, tensorflow, tf2onnx, onnxruntime

Each writes NAME.onnx, and NAME.json with the versions and the scores for two images whose pixel i, counted by
rows, columns and channels over both, is (31·i + 7·i²) mod 256, divided by 255 where `scale` is 1.
"""

import importlib
import json
import os
import sys

import numpy as np


def answer(name, channels_last, scale, packages):
    """Writes what ONNX Runtime answers."""
    import onnxruntime

    session = onnxruntime.InferenceSession(name + ".onnx")
    port = session.get_inputs()[0]
    sizes = port.shape[1:]
    height, width, channels = sizes if channels_last else (sizes[1], sizes[2], sizes[0])
    i = np.arange(2 * height * width * channels)
    pixels = ((31 * i + 7 * i * i) % 256).reshape(2, height, width, channels).astype(np.float32)
    if scale == 1:
        pixels *= np.float32(1 / 255)
    images = pixels if channels_last else pixels.transpose(0, 3, 1, 2)
    scores = session.run(None, {port.name: np.ascontiguousarray(images)})[0]
    versions = {p: importlib.import_module(p).__version__ for p in packages + ["onnxruntime"]}
    with open(name + ".json", "w") as file:
        json.dump({"versions": versions, "scores": scores.reshape(2, -1).tolist()}, file, indent=1)
        file.write("\n")


def torch_networks():
    import torch
    from torch import nn

    torch.manual_seed(0)

    class Residual(nn.Module):
        def __init__(self, channels, filters, stride=1):
            super().__init__()
            self.first = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
            self.norm1 = nn.BatchNorm2d(filters)
            self.second = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(filters)
            self.shortcut = nn.Identity() if channels == filters and stride == 1 else nn.Sequential(
                nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

        def forward(self, x):
            y = torch.relu(self.norm1(self.first(x)))
            return torch.relu(self.norm2(self.second(y)) + self.shortcut(x))

    class Squeeze(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.pool, self.squeeze = nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, 2, 1)
            self.excite = nn.Conv2d(2, channels, 1)

        def forward(self, x):
            return x * torch.sigmoid(self.excite(torch.relu(self.squeeze(self.pool(x)))))

    class Viewed(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm1d(100)
            self.dense = nn.Linear(100, 6, bias=False)

        def forward(self, x):
            x = nn.functional.max_pool2d(torch.relu(self.conv(x)), 3, 2, 1, ceil_mode=True)
            return torch.log_softmax(self.dense(self.norm(x.view(x.size(0), -1))), 1)

    class Dense(nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(3 + 4 * i, 4, 3, padding=1) for i in range(3))
            self.last = nn.Linear(15, 4)

        def forward(self, x):
            values = [x]
            for conv in self.convs:
                values.append(torch.relu(conv(torch.cat(values, 1))))
            return self.last(torch.cat(values, 1).mean((2, 3)))

    networks = {
        "lenet": ((1, 16, 16), nn.Sequential(
            nn.Conv2d(1, 4, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(54, 12), nn.ReLU(),
            nn.Linear(12, 10))),
        "residual": ((3, 12, 12), nn.Sequential(
            nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), Residual(4, 4),
            Residual(4, 4), Residual(4, 6, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5))),
        "functions": ((3, 16, 16), nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.Hardswish(), nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.ReLU6(),
            nn.Conv2d(8, 8, 3, 1, 1, groups=2), nn.SiLU(), Squeeze(8), nn.GELU(),
            nn.ConvTranspose2d(8, 6, 2, 2), nn.Mish(), nn.AvgPool2d(2), nn.GELU(approximate="tanh"),
            nn.PReLU(6), nn.GroupNorm(2, 6), nn.ELU(0.7), nn.Conv2d(6, 6, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(6, 6, 1), nn.Hardsigmoid(), nn.ZeroPad2d((1, 0, 2, 1)), nn.Conv2d(6, 4, 3),
            nn.Softplus(), nn.Upsample(scale_factor=2), nn.Tanh(), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(), nn.Linear(4, 5), nn.Softmax(1))),
        "viewed": ((3, 11, 11), Viewed()),
        "dense": ((3, 6, 6), Dense()),
    }
    for name, (shape, network) in networks.items():
        for module in network.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.data.uniform_(0.5, 1.5)
                module.bias.data.normal_(0, 0.1)
        network.eval()
        images = (torch.rand((2, *shape)),)
        names = {"input_names": ["input"], "output_names": ["output"]}
        torch.onnx.export(
            network, images, f"{name}-script.onnx", dynamo=False,
            dynamic_axes={"input": {0: "n"}, "output": {0: "n"}}, **names)
        torch.onnx.export(
            network, images, f"{name}-dynamo.onnx", dynamo=True, external_data=False,
            dynamic_shapes=({0: torch.export.Dim("batch")},), **names)
        for kind in ("script", "dynamo"):
            answer(f"{name}-{kind}", False, 1, ["torch", "onnx", "onnxscript"])


def keras_networks():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow
    import tf2onnx
    from keras import layers as L

    keras.utils.set_random_seed(0)
    digits = keras.Sequential([
        L.Input((14, 14, 1)), L.Conv2D(4, 3, activation="relu"), L.MaxPooling2D(2),
        L.Conv2D(6, 3, activation="relu"), L.MaxPooling2D(2), L.Flatten(), L.Dropout(0.5),
        L.Dense(8, activation="relu"), L.Dense(10, activation="softmax")])
    x = images = L.Input((12, 12, 3))
    x = L.Rescaling(1 / 127.5, offset=-1)(x)
    x = L.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = L.ReLU(6.0)(L.BatchNormalization()(x))
    y = L.SeparableConv2D(8, 3, padding="same", activation="swish")(x)
    x = L.Activation("relu")(L.Add()([x, L.BatchNormalization()(y)]))
    s = L.Dense(2, activation="relu")(L.GlobalAveragePooling2D(keepdims=True)(x))
    x = L.Multiply()([x, L.Dense(8, activation="sigmoid")(s)])
    a = L.Conv2D(4, 1, activation="elu")(x)
    x = L.Concatenate()([a, L.AveragePooling2D(3, strides=1, padding="same")(x)])
    x = L.LeakyReLU(0.1)(L.DepthwiseConv2D(3, strides=2)(L.ZeroPadding2D(1)(x)))
    x = L.PReLU(shared_axes=[1, 2])(L.Conv2DTranspose(6, 3, strides=2, padding="same")(x))
    x = L.GlobalAveragePooling2D()(L.Cropping2D(1)(L.Activation("hard_silu")(x)))
    blocks = keras.Model(images, L.Dense(5)(L.Dropout(0.2)(x)))
    for name, network, scale in [("digits", digits, 1), ("blocks", blocks, 255)]:
        random = np.random.default_rng(1)
        network.set_weights([
            (w + random.uniform(0.01, 0.1, w.shape)).astype("float32") for w in network.get_weights()])
        network(np.zeros((2, *network.input_shape[1:]), "float32"))
        network.export(f"{name}-keras.onnx", format="onnx", verbose=False)
        signature = (tensorflow.TensorSpec((None, *network.input_shape[1:]), "float32", name="input"),)
        function = tensorflow.function(
            lambda x: network(x, training=False), input_signature=signature)
        tf2onnx.convert.from_function(
            function, input_signature=signature, opset=13, output_path=f"{name}-tf2onnx.onnx")
        for kind in ("keras", "tf2onnx"):
            answer(f"{name}-{kind}", True, scale, ["keras", "tensorflow", "tf2onnx"])


if __name__ == "__main__":
    {"torch": torch_networks, "keras": keras_networks}[sys.argv[1]]()
