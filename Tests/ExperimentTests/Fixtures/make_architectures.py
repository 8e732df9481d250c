"""Makes architectures.json: the trainable numbers of published networks for images of 32x32x1 and ten
classes, as Keras and torchvision count them.

    python make_architectures.py            # needs keras, tensorflow, torch, torchvision
"""

import json
import os
import pathlib
import platform
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
# TensorFlow and Triton each bring an LLVM, and the second one loaded aborts the process.
sys.modules["triton"] = None

import keras
import torch
import torchvision


def by_keras(make):
    model = make(weights=None, input_shape=(32, 32, 1), classes=10)
    return sum(int(v.numpy().size) for v in model.trainable_variables)


def by_torchvision(make):
    model = make(num_classes=10)
    count = sum(p.numel() for p in model.parameters())
    # The first convolution sees one channel, not three.
    first = next(m for m in model.modules() if isinstance(m, torch.nn.Conv2d))
    return count - first.weight.numel() * 2 // 3


def main():
    content = {
        "made_with": {
            "script": "make_architectures.py", "python": platform.python_version(),
            "keras": keras.__version__, "torch": torch.__version__.split("+")[0],
            "torchvision": torchvision.__version__.split("+")[0],
        },
        "parameters": {
            "vgg16": by_keras(keras.applications.VGG16),
            "mobilenet-v2": by_keras(keras.applications.MobileNetV2),
            "resnet50": by_torchvision(torchvision.models.resnet50),
        },
    }
    assert content["parameters"]["mobilenet-v2"] == by_torchvision(torchvision.models.mobilenet_v2)
    path = pathlib.Path(__file__).with_name("architectures.json")
    path.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
