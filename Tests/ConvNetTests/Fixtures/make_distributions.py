"""Makes beta.json: quantiles of Beta distributions by SciPy.

    python make_distributions.py            # needs scipy
"""

import json
import pathlib
import platform

import scipy
from scipy import stats


def main():
    cases = []
    for a, b in ((0.05, 0.05), (0.2, 0.2), (0.4, 1.5), (1.0, 1.0), (2.5, 2.5), (8.0, 3.0)):
        levels = [i / 40 for i in range(1, 40)]
        cases.append(
            {"a": a, "b": b, "levels": levels, "quantiles": [float(v) for v in stats.beta.ppf(levels, a, b)]}
        )
    made_with = {
        "script": "make_distributions.py", "python": platform.python_version(), "scipy": scipy.__version__,
    }
    path = pathlib.Path(__file__).with_name("beta.json")
    path.write_text(json.dumps({"made_with": made_with, "cases": cases}, indent=1) + "\n")


main()
