"""Makes beta.json and noise_quantiles.json: quantiles of distributions by SciPy.

    python make_distributions.py            # needs scipy
"""

import json
import pathlib
import platform

import scipy
from scipy import stats

LEVELS = [i / 40 for i in range(1, 40)]


def write(name, content):
    made_with = {
        "script": "make_distributions.py", "python": platform.python_version(), "scipy": scipy.__version__,
    }
    path = pathlib.Path(__file__).with_name(name)
    path.write_text(json.dumps({"made_with": made_with, **content}, indent=1) + "\n")


def beta(a, b):
    quantiles = [float(v) for v in stats.beta.ppf(LEVELS, a, b)]
    return {"a": a, "b": b, "levels": LEVELS, "quantiles": quantiles}


def normal():
    levels = [1e-4, 1e-3, 0.01, *LEVELS, 0.99, 1 - 1e-3, 1 - 1e-4]
    return {"levels": levels, "quantiles": [float(v) for v in stats.norm.ppf(levels)]}


def binomial(trials, rate):
    """The chance of at most so many of some trials, at every count that is likely at all."""
    kept = round(rate * 65536) / 65536
    counts = range(int(stats.binom.ppf(1e-4, trials, kept)), int(stats.binom.ppf(1 - 1e-4, trials, kept)) + 1)
    shares = [float(v) for v in stats.binom.cdf(counts, trials, kept)]
    return {"trials": trials, "rate": rate, "counts": list(counts), "shares": shares}


pairs = ((0.05, 0.05), (0.2, 0.2), (0.4, 1.5), (1.0, 1.0), (2.5, 2.5), (8.0, 3.0))
write("beta.json", {"cases": [beta(a, b) for a, b in pairs]})
rates = ((100, 0.25), (37, 0.5), (64, 0.9), (50, 0.1))
write("noise_quantiles.json", {"normal": normal(), "binomial": [binomial(n, p) for n, p in rates]})
