"""The exports of a folder that export.sh filled: each with what its certificate says, its images and runner's own
scores of them."""

import functools
import json
import pathlib

import numpy

KERAS = ["keras", "h5", "keras-weights"]


class Export:
    """A file, what its certificate says, and how many of its images programs are asked about."""

    def __init__(self, path):
        self.path = path
        self.certificate = json.loads(pathlib.Path(f"{path}.json").read_text())
        export = self.certificate["export"]
        self.format, self.softmax = export["format"], export["softmax"]
        self.preparation, self.layout = export["preparation"], export["layout"]
        self.run = path.parent.parent / self.certificate["model"]["path"]
        self.network = self.run.parent.name
        self.ways = [
            name
            for name, is_so in [
                ("NHWC", self.layout == "nhwc"),
                ("softmax", self.softmax),
                ("without preparation", not self.preparation),
                ("batch norms folded", export["fold_batch_norm"]),
            ]
            if is_so
        ]
        # So many are asked about, and so many by what does the same again; None is all.
        self.count = self.again = None

    @property
    def samples(self):
        name = self.network + ("-softmax" if self.softmax else "")
        return samples(self.path.parent.parent / "samples" / f"{name}.npz")

    @property
    def images(self):
        return self.samples["images"][: self.count].astype(numpy.float32)

    @property
    def scores(self):
        return self.samples["scores"][: self.count]


@functools.lru_cache(2)
def samples(path):
    with numpy.load(path) as file:
        return {name: file[name] for name in file.files}


def exports(folder, count, ways):
    """All of a folder, but for SavedModels, which are check_tensorflow.py's. The plainest of a network in a
    format is asked about `count` images, the others about `ways`; None is all. Keras's formats are one."""
    paths = [file.with_suffix("") for file in sorted((folder / "exports").glob("*.json"))]
    found = [Export(path) for path in paths if path.is_file() and pathlib.Path(f"{path}.json").exists()]
    plainest = {}
    for export in sorted(found, key=lambda export: (len(export.ways), export.format != KERAS[0])):
        kind = "keras" if export.format in KERAS else export.format
        is_plainest = plainest.setdefault((export.network, kind), export) is export
        export.count, export.again = count if is_plainest else ways, ways
    return found
