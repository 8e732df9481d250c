"""MMD² and p-values of alibi-detect that Sources/Statistics/Drift/MeanDiscrepancy.swift is compared with.

    pip install alibi-detect==0.13.0 tensorflow-cpu==2.16.2 tf_keras==2.16.0 \
        tensorflow_probability==0.24.0 'numpy<2' pydantic==2.10.6 typing_extensions==4.12.2
    python make_discrepancy.py > discrepancy.json

Vectors are those of a small generator that the tests have too: number i of coordinate j is
((3571 + 14j)·i² + (2999 + 6j)·i + 17 mod 10007)/10007, raised to a power, which is another for the window.
"""

import json
import platform

import alibi_detect
import numpy as np
import tensorflow as tf
from alibi_detect.cd import MMDDrift

PERMUTATIONS = 5_000


def draw(count, start, width, power):
    i = np.arange(start + 1, start + count + 1)
    columns = [((3571 + 14 * j) * i * i + (2999 + 6 * j) * i + 17) % 10007 / 10007.0 for j in range(width)]
    return (np.stack(columns, axis=1) ** power).astype(np.float32)


def cases():
    for n, m, width, power, sigma in [
        (40, 70, 6, 1.0, 0.8), (40, 70, 6, 1.25, 0.8), (60, 60, 16, 1.1, 1.0),
        (30, 120, 3, 1.4, 0.4), (100, 100, 64, 1.06, 2.0),
    ]:
        reference, window = draw(m, 500, width, 1.0), draw(n, 0, width, power)
        tf.random.set_seed(1)
        detector = MMDDrift(
            reference, backend="tensorflow", sigma=np.array([sigma], dtype=np.float32),
            configure_kernel_from_x_ref=False, n_permutations=PERMUTATIONS,
        )
        p, squared, _ = detector._detector.score(window)
        yield {
            "n": n, "m": m, "width": width, "power": power, "sigma": sigma,
            "squared": float(squared), "p": float(p),
        }


print(
    json.dumps(
        {
            "made_with": f"Python {platform.python_version()}, alibi-detect {alibi_detect.__version__}, "
            f"TensorFlow {tf.__version__}, NumPy {np.__version__}",
            "permutations": PERMUTATIONS, "cases": list(cases()),
        }
    )
)
