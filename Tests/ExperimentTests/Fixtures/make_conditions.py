"""What a window of requests looks like and its accuracy, by NumPy and SciPy, that
Sources/Watching/ConditionMatcher.swift and Sources/Statistics/Drift/MeanMixture.swift are compared with.

    pip install numpy==2.4.6 scipy==1.17.1
    python make_conditions.py > conditions.json

The shares are found by sequential least-squares programming over every subset of at most three conditions, not
in closed form; distances by the inverse of the covariance, not by its factors.
"""

import itertools
import json

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import norm

NEAR, RIDGE = 0.5, 0.01


def mixture(z, rows, inverse, gain):
    """The subset, its weights, and the squared distance from z in the metric of `inverse`."""
    best = None
    for size in (1, 2, 3):
        found = None
        for subset in itertools.combinations(range(len(rows)), size):
            points = rows[list(subset)]

            def rest(w):
                offset = w @ points - z
                return offset @ inverse @ offset

            def slope(w):
                return 2 * points @ inverse @ (w @ points - z)

            w = np.full(size, 1 / size)
            if size > 1:
                w = minimize(
                    rest, w, jac=slope, method="SLSQP", bounds=[(0, 1)] * size, tol=1e-15,
                    constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(size)},
                    options={"maxiter": 1000},
                ).x
            if found is None or rest(w) < found[2]:
                found = (list(subset), w, rest(w))
        if best is not None and best[2] - found[2] <= gain(best[2]):
            break
        best = found
    return best


def short(values):
    """Few digits, which floats hold exactly."""
    return np.round(values * 1024) / 1024


def case(random, conditions, n, shares, offset):
    d, answers, count = 7, 4, len(conditions)
    mixing = random.normal(size=(d, d))
    covariance = short(mixing @ mixing.T / d + 0.2 * np.eye(d))
    means = short(2 * random.normal(size=(count, d)))
    slopes = short(0.1 * random.normal(size=(count, answers)))
    spread, bend = 0.125, 0.25
    scatter = np.linalg.cholesky(covariance)
    own = random.choice(count, size=n, p=shares)
    traits = short(means[own] + random.normal(size=(n, d)) @ scatter.T + offset)

    # As the program does: correlations, and a hundredth of them to each variance.
    scales = np.sqrt(np.diag(covariance))
    correlations = covariance / np.outer(scales, scales)
    inverse = np.linalg.inv(correlations + RIDGE * np.trace(correlations) / d * np.eye(d))
    rows, x = means / scales, traits / scales
    z = x.mean(0)
    counts = np.array([c["count"] for c in conditions])
    chance = 12 * (1 / n + 1 / counts.min())
    subset, w, rest = mixture(z, rows, inverse, lambda best: chance + 0.1 * best)
    right = np.array([c["right"] for c in conditions])[subset]
    size = counts[subset]
    residual = np.maximum(np.array([c["residual"] for c in conditions])[subset], 1 / (size + 2))
    a = w @ (right / size)
    a += (w @ slopes[subset]) @ (traits.mean(0) - w @ means[subset])[-answers:]
    a = np.clip(a, 1 / (counts.sum() + 2), 1 - 1 / (counts.sum() + 2))
    own_scatter = np.mean(np.einsum("ni,ij,nj->n", x - z, inverse, x - z))
    distance = max(0, rest - own_scatter / n - (w**2 * d / size).sum())
    named = [conditions[k] for k in subset]
    gap = max(
        [abs((p["severity"] or 0) - (q["severity"] or 0)) for p in named for q in named if p["kind"] == q["kind"]])
    variance = ((w @ residual) / n + (w**2 * residual / size).sum()) / (a * (1 - a)) ** 2
    variance += spread * distance + bend * (gap / 2) ** 4
    reach = norm.ppf(0.975) * np.sqrt(variance)
    order = np.argsort(-w)
    return {
        "conditions": conditions, "means": means.ravel().tolist(), "slopes": slopes.ravel().tolist(),
        "covariance": covariance.ravel().tolist(), "answers": answers, "spread": spread, "bend": bend,
        "traits": traits.tolist(), "parts": [subset[k] for k in order], "shares": w[order].tolist(),
        "distance": distance, "near": bool(distance <= NEAR + 2 * np.sqrt(2 * d) / n),
        "accuracy": a, "low": expit(logit(a) - reach), "high": expit(logit(a) + reach),
    }


def main():
    random = np.random.default_rng(17)

    def condition(kind, severity, count, right, residual):
        return {"kind": kind, "severity": severity, "count": count, "right": right, "residual": residual}

    conditions = [
        condition(None, None, 900, 891, 0.009), condition("fog", 1, 200, 200, 0.0),
        condition("fog", 3, 300, 240, 0.12), condition("stripe", None, 500, 310, 0.15),
        condition("rotate", 2, 400, 372, 0.05), condition("rotate", 4, 200, 90, 0.2),
    ]
    cases = [
        case(random, conditions, 60, shares, offset)
        for shares, offset in [
            ([0, 0, 0, 1, 0, 0], 0), ([0.5, 0, 0.5, 0, 0, 0], 0), ([0, 0, 0, 0, 0.5, 0.5], 0),
            ([0.3, 0, 0, 0.4, 0, 0.3], 0), ([0, 1, 0, 0, 0, 0], 0), ([0, 0, 1, 0, 0, 0], 4),
        ]
    ]
    print(json.dumps({"cases": cases}))


if __name__ == "__main__":
    main()
