"""Makes labels.json: labels of more than 256 classes as NumPy keeps them in each type that holds them,
and what torchvision reads of IDX files of bytes, shorts and ints.

    python3 make_labels.py      (numpy 2.4.6, torchvision 0.29.2)
"""
import base64
import io
import json
import struct
import tempfile
from pathlib import Path

import numpy as np
from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

labels = [0, 255, 256, 257, 65535, 1]
arrays, idx = [], []


def npy(values, kind):
    array = np.array(values).astype(kind)
    file = io.BytesIO()
    np.save(file, array)
    return base64.b64encode(file.getvalue()).decode()


for kind in ["<u2", ">u2", "<u4", "<u8", "<i4", ">i4", "<i8", "<f4", "<f8"]:
    beyond = npy(labels[:3] + [65536], kind) if not kind.endswith("u2") else None
    arrays.append({"kind": kind, "file": npy(labels, kind), "labels": labels, "beyond": beyond})
for kind, most in [("|u1", 255), ("<i2", 257), (">i2", 257)]:
    some = [label for label in labels if label <= most]
    arrays.append({"kind": kind, "file": npy(some, kind), "labels": some, "beyond": None})

for code, kind, some in [
    (0x08, ">u1", [0, 255, 1]),
    (0x0B, ">i2", [0, 255, 256, 257, 32767]),
    (0x0C, ">i4", labels),
    (0x0C, ">i4", [0, 65536]),
]:
    data = struct.pack(">BBBBI", 0, 0, code, 1, len(some)) + np.array(some).astype(kind).tobytes()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "labels")
        path.write_bytes(data)
        read = read_sn3_pascalvincent_tensor(str(path), strict=False)
    idx.append({"file": base64.b64encode(data).decode(), "labels": read.tolist()})
    assert read.tolist() == some

Path(__file__).with_name("labels.json").write_text(
    json.dumps({"arrays": arrays, "idx": idx}, indent=1) + "\n"
)
