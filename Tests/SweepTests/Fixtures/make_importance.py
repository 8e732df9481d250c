"""Importances by Optuna's FanovaImportanceEvaluator, which Importance is loosely compared with.

    pip install optuna==5.0.0 scikit-learn==1.9.1
    python make_importance.py > importance.json

Ranges are linear, for Optuna decomposes the variance over the values themselves. A forest's shares
depend on its bootstrap samples, so two implementations agree to some hundredths.
"""

import json
import math
import platform
import random

import optuna
import sklearn
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import FanovaImportanceEvaluator, get_param_importances

optuna.logging.set_verbosity(optuna.logging.ERROR)

FUNCTIONS = {
    # Close to what a sweep sees: a valley in one parameter, steps in another, an offset by choice.
    "valley": (
        {
            "rate": FloatDistribution(0, 1), "units": IntDistribution(1, 8),
            "activation": CategoricalDistribution(["relu", "tanh", "gelu"]),
            "idle": FloatDistribution(-1, 1),
        },
        lambda p: (p["rate"] - 0.3) ** 2 + 0.02 * p["units"]
        + {"relu": 0, "tanh": 0.15, "gelu": 0.02}[p["activation"]],
    ),
    "interaction": (
        {"a": FloatDistribution(0, 1), "b": FloatDistribution(0, 1), "c": FloatDistribution(0, 1)},
        lambda p: math.sin(4 * p["a"]) * p["b"] + 0.3 * p["c"],
    ),
}


def case(name):
    space, function = FUNCTIONS[name]
    generator = random.Random(name)
    trials = []
    for _ in range(150):
        values = {}
        for key, distribution in space.items():
            if isinstance(distribution, CategoricalDistribution):
                values[key] = generator.choice(distribution.choices)
            elif isinstance(distribution, IntDistribution):
                values[key] = generator.randint(distribution.low, distribution.high)
            else:
                values[key] = round(generator.uniform(distribution.low, distribution.high), 4)
        trials.append((values, round(function(values), 6)))
    study = optuna.create_study()
    for values, loss in trials:
        study.add_trial(optuna.trial.create_trial(
            params=values, distributions=space, value=loss))
    # Unnormalised over several forests, as they differ from seed to seed.
    shares = [
        get_param_importances(
            study, evaluator=FanovaImportanceEvaluator(n_trees=64, seed=seed), normalize=False)
        for seed in range(5)
    ]
    parameters = []
    for key, distribution in space.items():
        parameter = {"path": key}
        if isinstance(distribution, CategoricalDistribution):
            parameter["choice"] = list(distribution.choices)
        else:
            parameter["low"] = distribution.low
            parameter["high"] = distribution.high
            parameter["whole"] = isinstance(distribution, IntDistribution)
        parameter["share"] = sum(s[key] for s in shares) / len(shares)
        parameters.append(parameter)
    return {
        "name": name, "parameters": parameters,
        "trials": [
            {"values": [
                space[key].choices.index(v) if isinstance(space[key], CategoricalDistribution)
                else v for key, v in values.items()], "loss": loss}
            for values, loss in trials],
    }


print(json.dumps({
    "made_by": "make_importance.py with Python %s, Optuna %s, scikit-learn %s" % (
        platform.python_version(), optuna.__version__, sklearn.__version__),
    "cases": [case(name) for name in FUNCTIONS],
}))
