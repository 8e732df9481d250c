"""Edits of sweeps, and whether Python's jsonschema holds the result against the committed schema.

  python3 Tests/SweepTests/Fixtures/make_sweep_schema_cases.py

Writes sweep_schema_cases.json beside this script: whole sweeps under "bases", and under "cases" the
edits as [base, path, value or {"delete": true}, valid]. SweepSpecSchemaTests holds our own checker to
them. Needs jsonschema 4 (pip install jsonschema).
"""

import copy
import importlib.metadata
import json
import pathlib
import platform
import random

import jsonschema

here = pathlib.Path(__file__).parent
sweeps = here.parents[2] / "experiments" / "sweeps"
schema = json.loads((sweeps / "sweep.schema.json").read_text())

jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)

FULL = {
    "$schema": "sweep.schema.json",
    "name": "full",
    "description": "",
    "seed": 7,
    "base": {"name": "x"},
    "set": {"training.epochs": 9, "optimizer": {"name": "sgd"}},
    "parameters": {
        "optimizer.name": {"choice": ["sgd", "adam"]},
        "model": {"choice": {"a": [{"layer": "flatten"}], "b": []}, "when": None},
        "optimizer.momentum": {"range": [0, 0.9], "when": {"optimizer.name": ["sgd"]}},
        "$units": {"integers": [16, 256], "scale": "log", "points": 3},
    },
    "sampler": {"name": "tpe", "startup": 5},
    "metric": "val_loss",
    "direction": "minimize",
    "trials": 30,
    "seeds": [1, 2],
    "early_termination": {"name": "successive_halving", "min_epochs": 1, "eta": 3, "bracket": 9},
    "lag": 4,
    "time_limit": "2h30m",
    "confirm": 3,
}
SMALL = {
    "name": "small",
    "base": "../t0.json",
    "sampler": {"name": "pbt", "population": 4},
    "seeds": "1-3",
    "time_limit": 60,
    "early_termination": {"name": "median"},
}

VALUES = [
    None, True, False, "", "a/b", "x", "$rate", "log", "linear", "val_accuracy", "test_loss",
    "maximize", "max", "1-3", "1,2,5-7", "1-", "1 - 3", "2h", "90s", "1h30m15s", "30m1h", "0s", "s",
    "1234567s", -1, 0, 0.5, 1, 1.0, 1.5, 2, 3, 1000, 1e6, 1000001, 1e9, 2e9, 2**53, 2**53 + 2,
    2**64 - 1, 2**64, [], [1], [1, 2], [2, 1], [0.5, 1], [1, "a"], [1, 2, 3], ["a", "b"], {}, {"a": 1},
    {"a": [1]}, {"a": [1], "b": [2]}, {"choice": [1, 2]}, {"choice": {"a": 1}}, {"choice": []},
    {"choice": 1}, {"range": [0, 1]}, {"range": [0, 1], "scale": "log"}, {"range": [0, 1], "steps": 3},
    {"range": [0, 1], "points": 3}, {"integers": [1, 9]}, {"integers": [1.5, 9]},
    {"choice": [1], "range": [0, 1]}, {"choice": [1], "scale": "log"}, {"scale": "log"},
    {"name": "grid"}, {"name": "random", "startup": 1}, {"name": "tpe", "good_fraction": 0.5},
    {"name": "tpe", "good_fraction": 0.6}, {"name": "gp", "starts": 2}, {"name": "sobol"},
    {"name": "pbt", "interval": 2, "truncation": 0.5}, {"name": "pbt", "resampling": 1.5},
    {"name": "hyperband"}, {"name": "hyperband", "eta": 1}, {"name": "median", "warmup_epochs": 0},
    {"name": "successive_halving", "bracket": None}, {"name": "asha"}, {"eta": 3},
]

bases = {"full": FULL, "small": SMALL}


def paths(value, here=()):
    """Every path into a document, and for every object some keys that it could have."""
    yield here
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*here, key))
        for key in ["unknown", "trials", "when", "scale", "points", "choice", "range", "candidates"]:
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
    stream = random.Random(20261)
    valid, invalid = [], []
    for name, base in bases.items():
        assert validator.is_valid(base), name
        for path in paths(base):
            cases = [({"delete": True}, True)] if path and exists(base, path) else []
            cases += [(value, False) for value in VALUES]
            for value, delete in cases:
                is_valid = validator.is_valid(edited(base, path, value, delete))
                (valid if is_valid else invalid).append([name, list(path), value, is_valid])
    cases = stream.sample(valid, 400) + stream.sample(invalid, 600)
    fixture = {
        "made by": f"Python {platform.python_version()}, "
        f"jsonschema {importlib.metadata.version('jsonschema')}",
        "bases": bases,
    }
    lines = json.dumps(fixture, indent=1)[:-2]
    lines += ',\n "cases": [\n  ' + ",\n  ".join(json.dumps(case) for case in cases) + "\n ]\n}\n"
    (here / "sweep_schema_cases.json").write_text(lines)
    print(f"{len(valid)} valid and {len(invalid)} invalid edits; {len(cases)} kept")


if __name__ == "__main__":
    main()
