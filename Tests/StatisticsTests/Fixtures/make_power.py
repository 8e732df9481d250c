"""The power of Welch's and the paired t test, by simulation and by other means, that
Sources/Statistics/Tests/Power.swift is compared with.

    pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    python make_power.py > power.json

`simulated` is the share of 100,000 draws from normal distributions in which SciPy's own test is below
alpha. `exact` is SciPy's integral of its noncentral t distribution over the ratio of the variances;
`student` is statsmodels's power of the test that takes the deviations to be equal, where they are and
the groups are of one size, so that Welch's test differs from it by little. `levels` are found by trying
p-values on statsmodels's Holm correction.
"""

import json
import platform

import numpy as np
import scipy
import statsmodels
from scipy import integrate, optimize, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower, TTestPower

DRAWS = 100_000


def simulated(n1, s1, n2, s2, difference, alpha, rng):
    a = rng.normal(0, s1, (DRAWS, n1))
    b = rng.normal(difference, s2, (DRAWS, n2))
    return float(np.mean(stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue < alpha))


def simulated_pairs(n, d, alpha, rng):
    differences = rng.normal(d, 1, (DRAWS, n))
    return float(np.mean(stats.ttest_1samp(differences, 0, axis=1).pvalue < alpha))


def upper_tail(t, df, delta):
    """P(T > t), the expectation of Phi(delta - t S); SciPy's own is not a number far from its centre."""
    own = stats.nct.sf(t, df, delta)
    if np.isfinite(own):
        return own
    ends = stats.chi.ppf([1e-15, 1 - 1e-15], df)
    return integrate.quad(
        lambda s: stats.chi.pdf(s, df) * stats.norm.cdf(delta - t * s / np.sqrt(df)), *ends,
        points=[s for s in [delta / t * np.sqrt(df)] if ends[0] < s < ends[1]] or None,
        epsabs=1e-12, epsrel=1e-12, limit=200)[0]


def exact(n1, s1, n2, s2, difference, alpha):
    """Over F = s1²/σ1² / (s2²/σ2²), which is independent of the sum of both."""
    v1, v2, a1, a2 = n1 - 1, n2 - 1, s1**2 / n1, s2**2 / n2
    delta = difference / np.sqrt(a1 + a2)

    def integrand(share):
        first, second = a1 * share / v1, a2 * (1 - share) / v2
        df = (first + second) ** 2 / (first**2 / v1 + second**2 / v2)
        critical = stats.t.isf(alpha / 2, df)
        critical *= np.sqrt((v1 + v2) * (first + second) / (a1 + a2))
        return upper_tail(critical, v1 + v2, delta) + upper_tail(critical, v1 + v2, -delta)

    # Over angles, where the density has no poles: share = sin² of one.
    def turned(angle):
        share = np.sin(angle) ** 2
        logarithm = (v1 - 1) * np.log(np.sin(angle)) + (v2 - 1) * np.log(np.cos(angle))
        density = 2 * np.exp(logarithm - scipy.special.betaln(v1 / 2, v2 / 2))
        return density * integrand(share)

    value, error = integrate.quad(turned, 0, np.pi / 2, epsabs=1e-11, epsrel=1e-11, limit=400)
    assert error < 1e-9, error
    return float(value)


WELCH = [
    # n, deviation of both, difference, alpha
    (2, 1, 2, 1, 3, 0.05), (2, 1, 9, 0.3, 2, 0.05), (3, 1, 3, 1, 2.5, 0.05), (3, 1, 3, 4, 5, 0.05),
    (3, 2, 20, 0.5, 1.778, 0.05), (20, 2, 3, 0.5, 1.778, 0.05), (5, 1, 5, 1, 2, 0.05),
    (5, 1, 5, 1, 2, 0.05 / 6), (5, 1, 20, 3, 2, 0.05), (20, 1, 5, 3, 2, 0.05),
    (10, 1, 10, 1, 1.3, 0.05), (10, 0, 6, 1, 1, 0.05), (12, 1, 30, 2, 1.5, 0.01),
    (40, 1, 40, 1, 0.7, 0.05), (40, 1, 40, 1, 0, 0.05), (4, 0.0011, 7, 0.0004, 0.0016, 0.025),
]
PAIRS = [(2, 5, 0.05), (3, 2, 0.05), (5, 1, 0.05), (5, 2, 0.05 / 3), (12, 0.8, 0.05), (40, 0.4, 0.01)]
MORE = [
    # n, deviation of both, difference, alpha, power
    (3, 2, 20, 0.5, 1.778, 0.05, 0.8), (20, 0.5, 3, 2, 1.778, 0.05, 0.8), (3, 1, 3, 1, 1, 0.05, 0.8),
    (5, 1, 5, 1, 5, 0.05, 0.8), (2, 1, 8, 0.1, 0.5, 0.05 / 3, 0.9), (4, 1, 9, 2, 0.4, 0.05, 0.8),
]
HOLM = [
    [0.01], [0.04, 0.03], [0.2, 0.001, 0.04, 0.04, 0.9, 0.0005], [0.01, 0.01, 0.01],
    [0.05, 0.05, 0.024, 0.0126, 0.0124, 0.001],
]


def welch_cases(rng):
    for n1, s1, n2, s2, difference, alpha in WELCH:
        case = {
            "first": {"count": n1, "deviation": s1}, "second": {"count": n2, "deviation": s2},
            "difference": difference, "alpha": alpha,
            "exact": exact(n1, s1, n2, s2, difference, alpha),
            "simulated": simulated(n1, s1, n2, s2, difference, alpha, rng),
        }
        if n1 == n2 and s1 == s2:
            case["student"] = float(TTestIndPower().power(difference / s1, n1, alpha))
        yield case


def pair_cases(rng):
    for n, d, alpha in PAIRS:
        yield {
            "n": n, "effect": d, "alpha": alpha, "exact": float(TTestPower().power(d, n, alpha)),
            "simulated": simulated_pairs(n, d, alpha, rng),
        }


def more_cases(rng):
    for n1, s1, n2, s2, difference, alpha, power in MORE:
        more = 0
        while exact(n1 + more, s1, n2 + more, s2, difference, alpha) < power:
            more += 1
        yield {
            "first": {"count": n1, "deviation": s1}, "second": {"count": n2, "deviation": s2},
            "difference": difference, "alpha": alpha, "power": power, "more": more,
            "simulated": simulated(n1 + more, s1, n2 + more, s2, difference, alpha, rng),
        }


def holm_cases():
    for values in HOLM:
        levels = []
        for place in range(len(values)):
            def shown(p):
                tried = values[:place] + [p] + values[place + 1:]
                return multipletests(tried, alpha=0.05, method="holm")[0][place]

            levels.append(optimize.bisect(lambda p: -0.5 + shown(p), 1e-9, 1, xtol=1e-14))
        yield {"values": values, "levels": levels}


def main():
    rng = np.random.default_rng(14)
    print(json.dumps({
        "made_by": "make_power.py with Python %s, NumPy %s, SciPy %s, statsmodels %s" % (
            platform.python_version(), np.__version__, scipy.__version__, statsmodels.__version__),
        "draws": DRAWS,
        "welch": list(welch_cases(rng)),
        "pairs": list(pair_cases(rng)),
        "more": list(more_cases(rng)),
        "holm": list(holm_cases()),
    }, indent=1, allow_nan=False))


if __name__ == "__main__":
    main()
