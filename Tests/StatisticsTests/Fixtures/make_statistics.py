"""Numbers of SciPy and statsmodels that Sources/Statistics is compared with.

    pip install scipy==1.17.1 statsmodels==0.15.0 mpmath==1.4.1
    python make_statistics.py > statistics.json

Where SciPy itself is not good to 1e-11, mpmath's integrals stand in (marked below).
"""

import itertools
import json
import platform

import mpmath
import numpy as np
import scipy
import statsmodels
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower, TTestPower

mpmath.mp.dps = 40


def student_upper(t, df):
    """P(T > t), by mpmath."""
    t, df = mpmath.mpf(t), mpmath.mpf(df)
    tail = mpmath.betainc(df / 2, mpmath.mpf(1) / 2, 0, df / (df + t * t), regularized=True) / 2
    return float(tail if t >= 0 else 1 - tail)


def student_cases():
    for df in [1, 1.5, 2, 3, 4.7, 9, 29, 100, 1234.5, 100000]:
        for t in [-50, -3.2, -1, -0.01, 0, 1e-6, 0.3, 1, 2.776, 12, 300]:
            yield {"degrees": df, "t": t, "upper": student_upper(t, df)}


def student_quantiles():
    for df in [1, 2, 3, 4.7, 9, 29, 100, 1234.5]:
        for p in [1e-8, 0.001, 0.025, 0.1, 0.2500001, 0.4, 0.4999, 0.5, 0.6, 0.975, 0.999]:
            yield {"degrees": df, "p": p, "t": float(stats.t.ppf(p, df))}


def normal_cases():
    for z in [-37, -8, -1.96, -0.5, -1e-3, 0, 1e-3, 0.7, 3, 8]:
        yield {"z": z, "cumulative": float(stats.norm.cdf(z))}


def normal_quantiles():
    for p in [1e-300, 1e-12, 0.001, 0.025, 0.2499, 0.25, 0.3, 0.4999, 0.5, 0.7, 0.8, 0.975, 1 - 1e-9]:
        yield {"p": p, "z": float(stats.norm.ppf(p))}


def chi_squared_cases():
    for df in [1, 2, 3.5, 9, 50, 999]:
        for ratio in [1e-4, 0.1, 0.7, 1, 1.3, 3]:
            x = df * ratio
            yield {
                "degrees": df, "x": x, "lower": float(stats.chi2.cdf(x, df)),
                "upper": float(stats.chi2.sf(x, df)),
            }


def chi_squared_quantiles():
    for df in [1, 2, 3.5, 9, 50, 999]:
        for p in [1e-6, 0.025, 0.3, 0.5, 0.7, 0.975, 0.9999]:
            yield {"degrees": df, "p": p, "x": float(stats.chi2.ppf(p, df))}


def binomial_cases():
    for n in [1, 5, 20, 137, 5000]:
        for k in sorted({0, 1, n // 3, n // 2, n - 1, n}):
            probability = mpmath.binomial(n, k) / mpmath.mpf(2) ** n
            cumulative = sum(mpmath.binomial(n, i) for i in range(k + 1)) / mpmath.mpf(2) ** n
            yield {
                "trials": n, "k": k, "probability": float(probability),
                "cumulative": float(cumulative),
            }


def noncentral_lower(t, df, nc):
    """P(T <= t), by mpmath: the expectation of Phi(t S - nc) over S."""
    t, df, nc = mpmath.mpf(t), mpmath.mpf(df), mpmath.mpf(nc)
    scale = 2 * (df / 2) ** (df / 2) / mpmath.gamma(df / 2)

    def integrand(s):
        return scale * s ** (df - 1) * mpmath.exp(-df * s * s / 2) * mpmath.ncdf(t * s - nc)

    edges = {mpmath.mpf(0), mpmath.mpf(1) / 2, mpmath.mpf(1), mpmath.mpf(2), mpmath.mpf(40)}
    if t != 0 and 0 < nc / t < 40:
        edges |= {nc / t * k for k in [mpmath.mpf("0.8"), 1, mpmath.mpf("1.2")] if nc / t * k < 40}
    return float(mpmath.quad(integrand, sorted(edges)))


def noncentral_cases():
    for df in [1, 2, 4, 9, 50]:
        for nc in [-1, 0, 0.5, 2, 6, 20]:
            for t in [-2.5, 0, 1.2, 4.303, 15]:
                lower = noncentral_lower(t, df, nc)
                if 1e-12 < lower:
                    yield {"degrees": df, "noncentrality": nc, "t": t, "lower": lower}


PAIRS = [
    ([0.9901, 0.9912, 0.9902], [0.9925, 0.9895, 0.9899]),
    ([0.9842, 0.9851, 0.9838, 0.9862, 0.9847], [0.9867, 0.9871, 0.9849, 0.9881, 0.9869]),
    ([0.0412, 0.0381, 0.0397, 0.0402, 0.0388, 0.0391, 0.0379, 0.0411],
     [0.0383, 0.0385, 0.0371, 0.0399, 0.0362, 0.0380, 0.0381, 0.0372]),
    ([1, 2, 3, 4, 5, 6], [3, 1, 4, 6, 8, 7]),
]


def effect_interval(t, df, scale):
    """The noncentralities at which the observed t is the 97.5th and the 2.5th percentile."""
    def solve(p):
        return optimize.brentq(
            lambda nc: 1 - noncentral_lower(t, df, nc) - p, t - 12, t + 12, xtol=1e-12)
    return [solve(0.025) / scale, solve(0.975) / scale]


def hedges(df):
    return float(mpmath.gamma(mpmath.mpf(df) / 2) / mpmath.sqrt(mpmath.mpf(df) / 2)
                 / mpmath.gamma((mpmath.mpf(df) - 1) / 2))


def sample_cases():
    for a, b in PAIRS:
        a, b = np.array(a, dtype=float), np.array(b, dtype=float)
        d = b - a
        n = len(d)
        paired = stats.ttest_rel(b, a)
        interval = paired.confidence_interval(0.95)
        welch = stats.ttest_ind(b, a, equal_var=False)
        between = welch.confidence_interval(0.95)
        mean = stats.t.interval(0.95, n - 1, a.mean(), stats.sem(a))
        chi = stats.chi2(n - 1)
        pooled = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
        yield {
            "first": a.tolist(), "second": b.tolist(),
            "mean": a.mean(), "deviation": a.std(ddof=1), "mean_interval": list(mean),
            "deviation_interval": [
                a.std(ddof=1) * np.sqrt((n - 1) / chi.ppf(0.975)),
                a.std(ddof=1) * np.sqrt((n - 1) / chi.ppf(0.025)),
            ],
            "paired": {
                "t": paired.statistic, "degrees": paired.df, "p": paired.pvalue,
                "interval": [interval.low, interval.high],
            },
            "welch": {
                "t": welch.statistic, "degrees": welch.df, "p": welch.pvalue,
                "interval": [between.low, between.high],
            },
            "paired_d": d.mean() / d.std(ddof=1),
            "paired_g": d.mean() / d.std(ddof=1) * hedges(n - 1),
            "paired_d_interval": effect_interval(
                d.mean() / d.std(ddof=1) * np.sqrt(n), n - 1, np.sqrt(n)),
            "independent_d": (b.mean() - a.mean()) / pooled,
            "independent_d_interval": effect_interval(
                (b.mean() - a.mean()) / pooled * np.sqrt(n / 2), 2 * n - 2, np.sqrt(n / 2)),
        }


WILCOXON = [
    [1.5, -2.1, 0.3, 4.2, 2.2, -0.7, 3.3],
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    [1, 1, -1, 2, 3, 3, -2, 0],
    [5],
    [-1, 2, -3, 4, -5, 6, 7, 8, 9, 10, 11, 12],
]


def wilcoxon_cases():
    for differences in WILCOXON:
        kept = np.array([d for d in differences if d != 0], dtype=float)
        ranks = stats.rankdata(abs(kept))
        observed = ranks[kept > 0].sum()
        sums = [np.dot(signs, ranks) for signs in itertools.product([0, 1], repeat=len(kept))]
        lesser = min(observed, ranks.sum() - observed)
        p = min(1, 2 * sum(s <= lesser for s in sums) / len(sums))
        if len(set(abs(kept))) == len(kept):
            assert np.isclose(p, stats.wilcoxon(kept, method="exact").pvalue, rtol=1e-12)
        yield {"differences": differences, "positive_ranks": float(observed), "p": p}
    long = [((i * 37) % 101 - 40) / 8 for i in range(150)]
    result = stats.wilcoxon(long, method="asymptotic", correction=False)
    ranks = stats.rankdata([abs(d) for d in long if d != 0])
    positive = sum(r for r, d in zip(ranks, [d for d in long if d != 0]) if d > 0)
    yield {"differences": long, "positive_ranks": float(positive), "p": float(result.pvalue)}


def mcnemar_cases():
    for b, c in [(0, 0), (1, 0), (5, 5), (3, 11), (40, 22), (61, 30), (150, 149), (2, 30)]:
        exact = mcnemar([[900, b], [c, 7]], exact=True).pvalue
        mid = 2 * stats.binom.cdf(min(b, c), b + c, 0.5) - stats.binom.pmf(min(b, c), b + c, 0.5)
        yield {"first_only": b, "second_only": c, "exact_p": float(min(1, exact)),
               "mid_p": float(min(1, mid))}


def power_cases():
    for n in [2, 3, 5, 12, 40]:
        for d in [0.1, 0.5, 1, 2.5]:
            for alpha in [0.05, 0.01]:
                paired = TTestPower().power(d, n, alpha)
                independent = TTestIndPower().power(d, n, alpha)
                # SciPy has no noncentral t far from its centre.
                if np.isfinite(paired) and np.isfinite(independent):
                    yield {"n": n, "effect": d, "alpha": alpha, "paired": float(paired),
                           "independent": float(independent)}


def least(power, degrees, scale, d, alpha, target):
    n = 2
    while True:
        reached = power(d, n, alpha)
        if not np.isfinite(reached):
            # SciPy has no noncentral t far from its centre; the further tail is below 1e-9 there.
            critical = stats.t.isf(alpha / 2, degrees(n))
            reached = 1 - noncentral_lower(critical, degrees(n), d * scale(n))
        if reached >= target:
            return n
        n += 1


def needed_cases():
    for d in [0.15, 0.3, 0.5, 0.8, 1.2, 2, 5, 30]:
        for alpha, target in [(0.05, 0.8), (0.01, 0.9)]:
            yield {
                "effect": d, "alpha": alpha, "power": target,
                "paired": least(
                    TTestPower().power, lambda n: n - 1, np.sqrt, d, alpha, target),
                "independent": least(
                    TTestIndPower().power, lambda n: 2 * n - 2, lambda n: np.sqrt(n / 2), d,
                    alpha, target),
            }


def holm_cases():
    for values in [[0.01], [0.01, 0.04, 0.03], [0.2, 0.001, 0.04, 0.04, 0.9, 0.0005]]:
        yield {"values": values, "adjusted": multipletests(values, method="holm")[1].tolist()}


print(json.dumps({
    "made_by": "make_statistics.py with Python %s, SciPy %s, statsmodels %s, mpmath %s" % (
        platform.python_version(), scipy.__version__, statsmodels.__version__,
        mpmath.__version__),
    "student": list(student_cases()),
    "student_quantiles": list(student_quantiles()),
    "normal": list(normal_cases()),
    "normal_quantiles": list(normal_quantiles()),
    "chi_squared": list(chi_squared_cases()),
    "chi_squared_quantiles": list(chi_squared_quantiles()),
    "binomial": list(binomial_cases()),
    "noncentral": list(noncentral_cases()),
    "samples": list(sample_cases()),
    "wilcoxon": list(wilcoxon_cases()),
    "mcnemar": list(mcnemar_cases()),
    "power": list(power_cases()),
    "needed": list(needed_cases()),
    "holm": list(holm_cases()),
}, indent=1, default=float, allow_nan=False))
