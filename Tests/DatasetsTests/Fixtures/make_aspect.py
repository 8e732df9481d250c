"""Images that are resized without losing their aspect, as Pillow's ImageOps.pad has it: aspect.json.

    python make_aspect.py      # pillow 11.3.0, numpy 2.4.6
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

random = np.random.default_rng(14)
cases = []
# Height and width, before and after.
for size, target in [
    ((9, 4), (6, 6)), ((4, 9), (6, 6)), ((5, 5), (8, 8)), ((3, 7), (4, 10)), ((10, 6), (5, 5)),
    ((2, 31), (7, 9)), ((1, 40), (6, 6)), ((12, 12), (6, 9)), ((7, 5), (4, 4)),
]:
    for channels, method in [(1, "bilinear"), (3, "area")]:
        pixels = random.integers(0, 256, (*size, channels)).astype(np.uint8)
        image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
        filter = {"bilinear": Image.Resampling.BILINEAR, "area": Image.Resampling.BOX}[method]
        try:
            padded = ImageOps.pad(image, (target[1], target[0]), filter)
        except ValueError:
            continue  # Pillow refuses sizes that round to nothing.
        cases.append({
            "from": [*size, channels], "to": list(target), "method": method,
            "pixels": pixels.ravel().tolist(), "result": np.asarray(padded).ravel().tolist(),
        })
Path(__file__).with_name("aspect.json").write_text(json.dumps({"cases": cases}) + "\n")
print(len(cases))
