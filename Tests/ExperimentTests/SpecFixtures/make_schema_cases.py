"""Edits of specs, and whether Python's jsonschema holds the result against the committed schema.

  python3 Tests/ExperimentTests/SpecFixtures/make_schema_cases.py

Writes schema_cases.json beside this script: whole specs under "bases", and under "cases" the edits
as [base, path, value or {"delete": true}, valid]. SpecSchemaTests holds our own checker to them.
Needs jsonschema 4 (pip install jsonschema).
"""

import copy
import importlib.metadata
import json
import pathlib
import platform
import random

here = pathlib.Path(__file__).parent
experiments = here.parents[2] / "experiments"
schema = json.loads((experiments / "experiment.schema.json").read_text())

import jsonschema

jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)

VALUES = [
    None, True, False, "", "relu", "softmax", "elu", "valid", "same", "mnist", "synthetic_digits",
    "orthogonal", "val_loss", "test_loss", "pytorch", "HASWELL", "auto", "a/b", ".", "a" * 100,
    "a" * 101, "adam", "sgd", "cosine", "conv2d", "dense", "zoom", -1, -0.5, 0, 1, 2, 3.0, 0.5, 0.999,
    1.5, 200, 1e9, 1e30, 2**64 - 1, 2**64, 65536, 65537, [], [3], [3, 3], [3, 0], [3, 2.5], [1, 2, 3],
    {}, {"name": "elu"}, {"name": "elu", "alpha": 2}, {"name": "elu", "slope": 1}, {"name": "swoosh"},
    {"top": 1}, {"top": 1, "up": 2}, {"min": 0.5}, {"min": None}, {"min": 2}, {"max": 0.1, "min": 0},
    {"epochs": 1}, {"epochs": 0}, {"epochs": 1, "from": 0.5}, {"name": "constant"},
    {"name": "step", "every": 2}, {"name": "step"}, {"name": "cosine", "warmup": {"epochs": 1}},
    {"name": "adamw", "weight_decay": 0.01}, {"name": "adadelta", "rho": 0.9, "convention": "keras"},
    {"name": "adam", "momentum": 0.9}, {"name": "sgd", "momentum": 0.9}, {"layer": "flatten"},
    {"layer": "flatten", "units": 3}, {"layer": "dense", "units": 3}, {"layer": "dropout"},
    {"layer": "activation", "function": "gelu"}, {"layer": "max_pool"}, {"layer": "batch_norm"},
    {"op": "zoom", "fraction": 0.1}, {"op": "zoom", "degrees": 1}, {"patience": 1}, {"monitor": "x"},
    "focal", "mse", {"name": "focal"}, {"name": "focal", "delta": 1}, {"name": "huber", "delta": 0.5},
    {"name": "huber", "class_weights": [1]}, {"name": "huber", "class_weights": [1, 0.5]},
    {"name": "one_cycle", "momentum": [0.8, 0.9]}, {"name": "one_cycle", "momentum": [1]},
    {"name": "piecewise", "boundaries": [1], "factors": [1, 0]}, {"name": "piecewise", "factors": [1]},
    {"name": "rmsprop", "centered": True}, {"name": "lion", "epsilon": 1}, {"name": "muon"},
    {"name": "ema"}, {"name": "swa", "decay": 0.5}, ["ece", "f1_3"], ["f1_300"], {"dense_0": 0},
]

bases = {
    name: json.loads((experiments / f"{name}.json").read_text())
    for name in ["lenet", "t4", "reference/varied"]
}


def paths(value, here=()):
    """Every path into a document, and for every object one key of each kind that it could have."""
    yield here
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*here, key))
        for key in ["unknown", "bias", "l2", "padding", "activation", "stride", "warmup", "test",
                    "weight_decay", "train_count", "checkpoint", "seed", "early_stopping", "max", "loss",
                    "metrics", "clip_norm", "averaging", "learning_rate_factors"]:
            if key not in value:
                yield (*here, key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*here, index))


def edited(base, path, value, delete):
    document = copy.deepcopy(base)
    if not path:
        return value
    target = document
    for step in path[:-1]:
        target = target[step]
    if delete:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return document


def exists(base, path):
    for step in path:
        try:
            base = base[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def main():
    stream = random.Random(20260)
    valid, invalid = [], []
    for name, base in bases.items():
        assert validator.is_valid(base), name
        for path in paths(base):
            if path and exists(base, path):
                cases = [({"delete": True}, True)]
            else:
                cases = []
            cases += [(value, False) for value in VALUES]
            for value, delete in cases:
                is_valid = validator.is_valid(edited(base, path, value, delete))
                (valid if is_valid else invalid).append([name, list(path), value, is_valid])
    cases = stream.sample(valid, min(len(valid), 300)) + stream.sample(invalid, 700)
    fixture = {
        "made by": f"Python {platform.python_version()}, "
        f"jsonschema {importlib.metadata.version('jsonschema')}",
        "bases": bases,
    }
    lines = json.dumps(fixture, indent=1)[:-2]
    lines += ',\n "cases": [\n  ' + ",\n  ".join(json.dumps(case) for case in cases) + "\n ]\n}\n"
    (here / "schema_cases.json").write_text(lines)
    print(f"{len(valid)} valid and {len(invalid)} invalid edits; {len(cases)} kept")


if __name__ == "__main__":
    main()
