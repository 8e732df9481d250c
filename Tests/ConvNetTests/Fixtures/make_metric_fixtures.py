"""Makes metrics.json: figures of classified samples by scikit-learn, and the calibration error by
torchmetrics.

    python make_metric_fixtures.py            # needs scikit-learn, torch, torchmetrics, numpy

Scores are float32 numbers of few digits; the probabilities are their softmax in float64.
"""

import json
import pathlib
import platform
import warnings

import numpy as np
import sklearn
import torch
import torchmetrics
from sklearn import metrics
from torchmetrics.functional import calibration_error


def figures(scores, labels):
    classes = scores.shape[1]
    every = list(range(classes))
    exact = scores.astype(np.float64)
    powers = np.exp(exact - exact.max(1, keepdims=True))
    p = powers / powers.sum(1, keepdims=True)
    taken = exact.argmax(1)
    result = {}
    for k in range(1, min(classes, 4)):
        result[f"top_{k}_accuracy"] = metrics.top_k_accuracy_score(labels, exact, k=k, labels=every) \
            if classes > 2 else metrics.accuracy_score(labels, taken)
    options = {"labels": every, "zero_division": 0}
    for name, function in (
        ("precision", metrics.precision_score), ("recall", metrics.recall_score),
        ("f1", metrics.f1_score),
    ):
        result[f"{name}_macro"] = function(labels, taken, average="macro", **options)
        for c, value in enumerate(function(labels, taken, average=None, **options)):
            result[f"{name}_{c}"] = value
    areas = []
    for c in every:
        positive = labels == c
        if positive.any() and not positive.all():
            areas.append(metrics.roc_auc_score(positive, p[:, c]))
        else:
            areas.append(None)
        result[f"roc_auc_{c}"] = areas[c]
    result["roc_auc_macro"] = None if None in areas else (
        metrics.roc_auc_score(labels, p, multi_class="ovr", average="macro", labels=every)
        if classes > 2 else np.mean(areas)
    )
    # Of the highest probability and whether it is right, which is the binary form; the other computes
    # in float32. Its bins are closed below, ours above, which makes no difference where no probability
    # is a fifteenth.
    result["ece"] = calibration_error(
        torch.tensor(p.max(1)), torch.tensor(taken == labels).long(), "binary", n_bins=15, norm="l1"
    )
    confusion = metrics.confusion_matrix(labels, taken, labels=every)
    return {k: None if v is None else float(v) for k, v in result.items()}, confusion.tolist()


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(73)
    cases = []
    for name, count, classes, sharpness, missing in (
        ("three classes", 40, 3, 1.0, None), ("ten classes, mostly right", 150, 10, 2.5, None),
        ("two classes", 25, 2, 0.5, None), ("a class that never comes", 30, 4, 0.7, 2),
        ("by chance", 60, 5, 0.0, None),
    ):
        labels = rng.integers(0, classes, count)
        if missing is not None:
            labels[labels == missing] = 0
        scores = rng.normal(size=(count, classes)) + sharpness * np.eye(classes)[labels]
        scores = np.round(scores, 2 if classes < 10 else 1).astype(np.float32)
        # Ties within a sample go to the first class here, and to another in scikit-learn.
        for row in scores:
            while len(set(row.tolist())) < classes:
                row += np.round(rng.normal(size=classes), 2).astype(np.float32)
        values, confusion = figures(scores, labels)
        cases.append(
            {
                "name": name, "source": "scikit-learn, torchmetrics", "classes": classes,
                "labels": [int(v) for v in labels],
                "scores": [float(str(v)) for v in scores.ravel()], "confusion": confusion,
                "figures": values,
            }
        )
    made_with = {
        "script": "make_metric_fixtures.py", "python": platform.python_version(),
        "numpy": np.__version__, "scikit-learn": sklearn.__version__,
        "torch": torch.__version__.split("+")[0], "torchmetrics": torchmetrics.__version__,
    }
    lines = ",\n    ".join(json.dumps(case) for case in cases)
    text = f'{{\n  "made_with": {json.dumps(made_with)},\n  "cases": [\n    {lines}\n  ]\n}}\n'
    (pathlib.Path(__file__).parent / "metrics.json").write_text(text)
    print(f"metrics.json: {len(text) / 1000:.1f} kB")


if __name__ == "__main__":
    main()
