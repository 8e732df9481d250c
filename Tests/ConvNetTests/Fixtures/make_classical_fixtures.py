"""Makes classical.json: linear models, principal components and neighbours by scikit-learn.

    python make_classical_fixtures.py            # needs scikit-learn, numpy

Features are float32 numbers of few digits. The last feature is the sum of the first two, so that no
least-squares solution is unique; results are in float64.
"""

import json
import pathlib
import platform

import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

CLASSES = 3


def samples(rng, count):
    labels = rng.integers(0, CLASSES, count)
    features = rng.normal(size=(count, 7)) + 0.7 * rng.normal(size=(CLASSES, 7))[labels] + 0.5
    features = np.round(features * 64) / 64
    return np.hstack([features, features[:, :1] + features[:, 1:2]]).astype(np.float32), labels


def linear(name, model, penalty=None):
    return {
        "name": name, "penalty": penalty, "weights": model.coef_.ravel().tolist(),
        "biases": model.intercept_.tolist(),
    }


def main():
    rng = np.random.default_rng(4)
    # More than a tile, and no multiple of one.
    train, labels = samples(rng, 150)
    queries, _ = samples(rng, 23)
    x, seen = train.astype(np.float64), queries.astype(np.float64)
    indicators = np.eye(CLASSES)[labels]
    models = [linear("least_squares", LinearRegression().fit(x, indicators))]
    for alpha in (0.5, 40.0):
        models.append(linear("ridge", Ridge(alpha=alpha, solver="cholesky").fit(x, indicators), alpha))
    for penalty in (0.1, 1e-3):
        model = LogisticRegression(C=1 / (penalty * len(x)), tol=1e-12, max_iter=100_000)
        models.append(linear("logistic", model.fit(x, labels), penalty))
    pca = PCA(svd_solver="full").fit(x)
    rank = 7
    neighbours = {}
    for k in (1, 2, 5):
        model = KNeighborsClassifier(k, algorithm="brute").fit(x, labels)
        neighbours[str(k)] = model.predict(seen).tolist()
    distances, nearest = model.kneighbors(seen)
    content = {
        "made_with": {
            "script": "make_classical_fixtures.py", "python": platform.python_version(),
            "numpy": np.__version__, "scikit-learn": sklearn.__version__,
        },
        "features": train.shape[1], "training": [float(v) for v in train.ravel()],
        "labels": labels.tolist(), "queries": [float(v) for v in queries.ravel()],
        "models": models,
        "components": pca.components_[:rank].ravel().tolist(),
        "variances": pca.explained_variance_[:rank].tolist(),
        "projected": pca.transform(seen)[:, :3].ravel().tolist(),
        "nearest": nearest.ravel().tolist(), "votes": neighbours,
    }
    assert (np.diff(distances, axis=1) > 1e-5).all(), "no two neighbours may be equally near"
    path = pathlib.Path(__file__).with_name("classical.json")
    lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in content.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
