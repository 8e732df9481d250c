"""scikit-learn's balanced class weights: class_weights.json.

    python make_class_weights.py     # scikit-learn 1.9.1, numpy 2.4.6
"""

import json
from pathlib import Path

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

cases = []
for counts in [[1, 1], [30, 10], [5, 17, 1, 400], [6000, 0, 250, 250], [7] * 10]:
    labels = np.repeat(np.arange(len(counts)), counts)
    present = np.unique(labels)
    weights = compute_class_weight("balanced", classes=present, y=labels)
    cases.append({"counts": counts, "present": present.tolist(), "weights": weights.tolist()})
Path(__file__).with_name("class_weights.json").write_text(json.dumps({"cases": cases}, indent=1) + "\n")
