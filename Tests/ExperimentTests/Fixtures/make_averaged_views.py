"""Makes averaged_views.json: what several views of each image come to, by SciPy and scikit-learn.

    python make_averaged_views.py      (needs numpy, scipy, scikit-learn)

Scores are (K, N, C), multiples of 1/64, of K views of N images; results are in float64.
"""
import json
import pathlib
import platform

import numpy as np
import scipy
import sklearn
from scipy.special import softmax
from sklearn.metrics import accuracy_score, log_loss


def case(rng, views, images, classes, scale):
    labels = rng.integers(0, classes, images)
    scores = rng.normal(scale=scale, size=(views, images, classes))
    scores += 2 * np.eye(classes)[labels]
    scores = np.round(scores * 64) / 64
    mean = softmax(scores, axis=2).mean(axis=0)
    best = np.sort(mean, axis=1)
    assert (best[:, -1] - best[:, -2] > 1e-6).all(), "no two classes may be equally likely"
    assert (mean > 1e-12).all(), "log_loss would replace it"
    return {
        "views": views, "images": images, "classes": classes, "scores": scores.ravel().tolist(),
        "labels": labels.tolist(), "accuracy": accuracy_score(labels, mean.argmax(axis=1)),
        "cross_entropy": log_loss(labels, mean, labels=range(classes)),
    }


rng = np.random.default_rng(6)
cases = [case(rng, 1, 9, 4, 1.5), case(rng, 4, 12, 5, 1.5), case(rng, 7, 20, 3, 6.0)]
path = pathlib.Path(__file__).with_name("averaged_views.json")
path.write_text(json.dumps({
    "made_with": {
        "script": pathlib.Path(__file__).name, "python": platform.python_version(),
        "numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__,
    },
    "cases": cases,
}) + "\n")
