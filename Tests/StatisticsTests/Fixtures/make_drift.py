"""Numbers of SciPy and scikit-learn that Sources/Statistics/Drift and Calibration are compared with.

    pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    python make_drift.py > drift.json

Values are those of a small generator that the tests have too, so that only its parameters are kept:
x(i) = (a·i + b mod 10007)/10007, raised to a power.
"""

import json
import platform

import numpy as np
import scipy
import sklearn
from scipy import optimize, special, stats
from sklearn.linear_model import LogisticRegression


def draw(count, a, b, power):
    return ((a * np.arange(1, count + 1) + b) % 10007 / 10007.0) ** power


def ks_cases():
    for n, m, power in [
        (5, 7, 1.0), (20, 30, 1.5), (25, 2500, 1.0), (50, 400, 2.0), (200, 2500, 1.3),
        (200, 2500, 3.0), (500, 2500, 1.1), (1000, 1000, 1.2), (333, 77, 1.0),
    ]:
        first, second = draw(n, 3571, 17, power), draw(m, 2999, 5, 1.0)
        exact = stats.ks_2samp(first, second, method="exact")
        asymptotic = stats.ks_2samp(first, second, method="asymp")
        yield {
            "n": n, "m": m, "power": power, "distance": float(exact.statistic),
            "exact": float(exact.pvalue), "asymptotic": float(asymptotic.pvalue),
        }
    # Equal values in both.
    first, second = np.round(draw(60, 3571, 17, 1.4) * 8), np.round(draw(150, 2999, 5, 1.0) * 8)
    exact = stats.ks_2samp(first, second, method="exact")
    yield {
        "n": 60, "m": 150, "power": 1.4, "levels": 8, "distance": float(exact.statistic),
        "exact": float(exact.pvalue), "asymptotic": None,
    }


def counts_cases():
    for first, second in [
        ([20, 22, 19, 18, 25], [210, 190, 205, 199, 201]),
        ([5, 40, 3, 80], [100, 120, 90, 110]),
        ([10, 0, 30], [90, 10, 200]),
        ([200, 10, 5, 7, 9, 22, 30, 1, 0, 3], [250, 249, 251, 260, 240, 250, 252, 248, 245, 255]),
    ]:
        test = stats.chi2_contingency([first, second], correction=False)
        yield {
            "first": first, "second": second, "statistic": float(test.statistic),
            "degrees": int(test.dof), "p": float(test.pvalue),
        }


def wilson_cases():
    for k, n in [(0, 10), (1, 10), (97, 100), (100, 100), (9912, 10000), (13, 27)]:
        interval = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
        yield {"successes": k, "trials": n, "low": float(interval.low), "high": float(interval.high)}


def pearson_cases():
    for power, z in [(1.0, 2.0), (3.0, 4.0), (0.3, 3.0), (6.0, 10.0)]:
        values = draw(999, 3571, 17, power)
        x = values.mean() + z * values.std()
        tail = stats.pearson3.sf(z, stats.skew(values))
        yield {"power": power, "x": float(x), "tail": float(tail)}


def mahalanobis():
    d, n = 5, 60
    values = np.stack([draw(n, 3571 + 7 * j, 17 + j, 1 + 0.3 * j) for j in range(d)], axis=1)
    mean, covariance = values.mean(axis=0), np.cov(values.T)
    ridged = covariance + 0.01 * np.trace(covariance) / d * np.eye(d)
    inverse = np.linalg.inv(ridged)
    points = np.stack([draw(4, 5003, 11 * j, 0.7) for j in range(d)], axis=1).astype(np.float32)
    return {
        "mean": mean.tolist(), "covariance": covariance.ravel().tolist(),
        "points": points.tolist(),
        "distances": [
            float(scipy.spatial.distance.mahalanobis(p.astype(float), mean, inverse)) for p in points
        ],
    }


def logistic():
    n = 300
    x = np.stack([draw(n, 3571, 17, 1.0) * 4 - 2, draw(n, 2999, 5, 2.0) * 3 - 1], axis=1)
    happened = draw(n, 4001, 3, 1.0) < special.expit(0.5 + 1.2 * x[:, 0] - 0.8 * x[:, 1])
    weights = np.where(np.arange(n) % 3 == 0, 2.0, 1.0)
    fit = LogisticRegression(C=1.0, tol=1e-12, solver="newton-cholesky", max_iter=1000)
    fit.fit(x, happened, sample_weight=weights)
    return {
        "rows": np.column_stack([np.ones(n), x]).ravel().tolist(), "happened": happened.tolist(),
        "weights": weights.tolist(),
        "coefficients": [float(fit.intercept_[0])] + fit.coef_[0].tolist(),
    }


def temperature():
    n, classes = 120, 4
    scores = np.stack([draw(n, 3571 + 13 * c, 17 + c, 1.0) * 12 for c in range(classes)], axis=1)
    scores = scores.astype(np.float32)
    noisy = scores + np.stack([draw(n, 2503 + 13 * c, 5 + c, 1.0) * 9 for c in range(classes)], axis=1)
    labels = noisy.argmax(axis=1)

    def loss(logarithm):
        z = scores.astype(float) / np.exp(logarithm)
        return -float(np.sum(special.log_softmax(z, axis=1)[np.arange(n), labels]))

    best = optimize.minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-10})
    return {
        "scores": scores.ravel().tolist(), "labels": labels.tolist(),
        "temperature": float(np.exp(best.x)),
    }


print(
    json.dumps(
        {
            "made_with": f"Python {platform.python_version()}, NumPy {np.__version__}, "
            f"SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}",
            "kolmogorovSmirnov": list(ks_cases()), "counts": list(counts_cases()),
            "wilson": list(wilson_cases()), "pearson": list(pearson_cases()),
            "mahalanobis": mahalanobis(), "logistic": logistic(), "temperature": temperature(),
        }
    )
)
