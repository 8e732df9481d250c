"""Makes sobol.json and gaussian_process.json beside it, and Sources/Sweep/Samplers/SobolTable.swift.

    pip install scipy==1.17.1 scikit-learn==1.9.1
    python make_samplers.py
"""

import json
import os

import numpy as np
import scipy
import sklearn
from scipy.stats import qmc
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "../../../Sources/Sweep/Samplers/SobolTable.swift")
VERSIONS = {"scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
DIMENSIONS = 128


def rows(values):
    return "[\n" + ",\n".join("    " + json.dumps(row) for row in values) + "\n  ]"


def sobol_table():
    """Polynomial and initial numbers m of dimensions 2 to DIMENSIONS, as Joe and Kuo publish them."""
    path = os.path.join(os.path.dirname(scipy.stats.__file__), "_sobol_direction_numbers.npz")
    data = np.load(path)
    polynomials, initial = data["poly"], data["vinit"]
    lines = []
    for d in range(1, DIMENSIONS):
        polynomial = int(polynomials[d])
        degree = polynomial.bit_length() - 1
        numbers = [int(m) for m in initial[d][:degree]]
        assert all(m % 2 == 1 and m < 2 << k for k, m in enumerate(numbers))
        lines.append(" ".join(str(n) for n in [polynomial, *numbers]))
    with open(TABLE, "w") as file:
        file.write(
            "/// Direction numbers by Joe and Kuo, their file new-joe-kuo-6 (2008), dimensions 2 to "
            f"{DIMENSIONS}:\n"
            "/// the polynomial's coefficients as bits, the first and the last among them, then m₁, m₂, …\n"
            "/// `Tests/SweepTests/Fixtures/make_samplers.py` wrote this file from SciPy's copy.\n"
            "enum SobolTable {\n"
            '  static let rows = """\n' + "".join(f"    {line}\n" for line in lines) + '    """\n}\n'
        )


def sobol():
    """Unscrambled points, in units of 2⁻³⁰: the first 16, and number 12345."""
    engine = qmc.Sobol(DIMENSIONS, scramble=False, bits=30)
    first = engine.random(16)
    engine.reset()
    engine.fast_forward(12345)
    later = engine.random(1)
    scale = lambda points: (points * 2**30).astype(np.int64).tolist()
    with open(os.path.join(HERE, "sobol.json"), "w") as file:
        file.write('{\n  "versions": ' + json.dumps(VERSIONS) + ",\n")
        file.write('  "first": ' + rows(scale(first)) + ",\n")
        file.write('  "number_12345": ' + json.dumps(scale(later)[0]) + "\n}\n")


def gaussian_process():
    """Posterior and likelihood with given hyperparameters; two features share a length scale."""
    generator = np.random.default_rng(3)
    inputs = generator.random((14, 4))
    values = np.sin(5 * inputs[:, 0]) + inputs[:, 1] * inputs[:, 2] - inputs[:, 3] ** 2
    values = (values - values.mean()) / values.std()
    others = np.concatenate([generator.random((6, 4)), inputs[:2]])
    cases = []
    for lengthscales, noise in [([0.4, 0.9, 2.0], 1e-2), ([1.5, 3.0, 1.0], 1e-5)]:
        full = [lengthscales[0], lengthscales[1], lengthscales[1], lengthscales[2]]
        unit = Matern(full, nu=2.5)(inputs) + noise * np.eye(len(inputs))
        scale = float(values @ np.linalg.solve(unit, values) / len(values))
        kernel = ConstantKernel(scale, "fixed") * Matern(full, nu=2.5)
        model = GaussianProcessRegressor(kernel, alpha=scale * noise, optimizer=None)
        model.fit(inputs, values)
        mean, deviation = model.predict(others, return_std=True)
        likelihood, gradient = model.log_marginal_likelihood(
            model.kernel_.theta, eval_gradient=True, clone_kernel=False)
        cases.append({
            "lengthscales": lengthscales, "noise": noise, "scale": scale, "mean": mean.tolist(),
            "variance": (deviation**2).tolist(), "log_likelihood": float(likelihood),
            "gradient": [gradient[0], gradient[1] + gradient[2], gradient[3]],
        })
    with open(os.path.join(HERE, "gaussian_process.json"), "w") as file:
        json.dump({
            "versions": VERSIONS, "inputs": inputs.ravel().tolist(), "values": values.tolist(),
            "others": others.ravel().tolist(), "cases": cases}, file, indent=1)
        file.write("\n")


sobol_table()
sobol()
gaussian_process()
