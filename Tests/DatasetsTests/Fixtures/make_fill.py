"""What SciPy makes of coordinates outside of an image, in the four ways of filling that Keras names:
fill.json. Keras's own map_coordinates is held against it, on its JAX backend.

    python make_fill.py        # scipy 1.17.1, numpy 2.4.6, keras 3.15.1, jax 0.10.2
"""

import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np
from scipy import ndimage

# Keras's names, and the modes of scipy.ndimage that do what Keras's documentation draws.
MODES = {"constant": "grid-constant", "nearest": "nearest", "reflect": "reflect", "wrap": "grid-wrap"}

random = np.random.default_rng(14)
cases = []
for height, width in [(5, 7), (1, 4), (6, 2), (11, 18)]:
    image = random.integers(0, 256, (height, width)).astype(np.float32) / np.float32(255)
    # Displacements as far as two and a half images away, and some by whole pixels.
    field = np.stack([
        random.uniform(-2.5 * height, 2.5 * height, (height, width)),
        random.uniform(-2.5 * width, 2.5 * width, (height, width)),
    ]).astype(np.float32)
    whole = random.random((height, width)) < 0.3
    field[:, whole] = np.round(field[:, whole])
    rows, columns = np.mgrid[0:height, 0:width]
    places = np.stack([rows + field[0].astype(float), columns + field[1].astype(float)])
    results = {}
    for name, mode in MODES.items():
        results[name] = ndimage.map_coordinates(image.astype(float), places, order=1, mode=mode)
        theirs = np.asarray(keras.ops.image.map_coordinates(
            image.astype("float64"), places, order=1, fill_mode=name))
        # Keras's "constant" is SciPy's of that name, which blends nothing with the outside.
        if name != "constant":
            assert np.allclose(results[name], theirs, atol=1e-6), (name, height, width)
    cases.append({
        "shape": [height, width], "image": [float(x) for x in image.ravel()],
        "field": [float(x) for x in field.ravel()],
        "results": {name: [round(float(x), 9) for x in r.ravel()] for name, r in results.items()},
    })
Path(__file__).with_name("fill.json").write_text(json.dumps({"cases": cases}) + "\n")
