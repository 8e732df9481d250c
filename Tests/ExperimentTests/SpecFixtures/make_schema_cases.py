"""Edits of specs, and whether Python's jsonschema holds the result against the committed schema.

  python3 Tests/ExperimentTests/SpecFixtures/make_schema_cases.py

Writes schema_cases.json beside this script: whole specs under "bases", and under "cases" the edits
as [base, path, value or {"delete": true}, valid]. SpecSchemaTests holds our own checker to them.
Needs jsonschema 4 (pip install jsonschema).

An edit puts a value at a key, one that is there or any that the schema knows. The values are drawn
from what the schema says of keys of that name, at its bounds and beside them, and from ODDITIES.
"""

import copy
import importlib.metadata
import json
import pathlib
import platform
import random

import jsonschema

here = pathlib.Path(__file__).parent
experiments = here.parents[2] / "experiments"
schema = json.loads((experiments / "experiment.schema.json").read_text())

VALID, INVALID = 400, 800

ODDITIES = [
    None, True, False, "", "a/b", "swoosh", "a" * 101, -1, -0.5, 0, 1, 2, 3.0, 0.5, 1.5, 1e9, 1e30,
    2**64 - 1, 2**64, [], [3], [3, 0], [3, 2.5], {}, {"name": "swoosh"}, {"unknown": 1},
]

bases = {
    name: json.loads((experiments / f"{name}.json").read_text())
    for name in ["lenet", "t4", "resnet", "reference/varied"]
}


def resolved(part):
    while "$ref" in part:
        part = schema["$defs"][part["$ref"].split("/")[-1]]
    return part


def samples(part, depth=0):
    """Values that a part of the schema allows, and some that it only just doesn't."""
    part = resolved(part)
    for each in part.get("anyOf", []) + part.get("oneOf", []):
        yield from samples(each, depth)
    yield from part.get("enum", [])
    if "const" in part:
        yield part["const"]
    kinds = part.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "null" in kinds:
        yield None
    if "integer" in kinds or "number" in kinds:
        step = 1 if "integer" in kinds else 1e-3
        for bound in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"):
            if bound in part:
                yield from (part[bound] - step, part[bound], part[bound] + step)
    if depth > 3:
        return
    if "array" in kinds:
        inner = list(samples(part.get("items", {}), depth + 1))[:60]
        yield from ([value] for value in inner)
        yield from ([value, value] for value in inner[:4])
    if "object" in kinds and "properties" in part:
        known = {key: list(samples(value, depth + 1)) for key, value in part["properties"].items()}
        least = {key: known[key][0] for key in part.get("required", []) if known.get(key)}
        yield least
        yield {**least, "unknown": 1}
        for key, values in known.items():
            yield from ({**least, key: value} for value in values[:6])
            if key in least:
                yield {other: value for other, value in least.items() if other != key}


def properties(part, found):
    """For every key that the schema knows, all that it says of it."""
    if isinstance(part, dict):
        for key, value in part.get("properties", {}).items():
            found.setdefault(key, []).append(value)
        for value in part.values():
            properties(value, found)
    elif isinstance(part, list):
        for value in part:
            properties(value, found)
    return found


def places(value, keys, here=()):
    """Every path into a document, and for every object each key that it might have."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, keys, (*here, key))
        yield from ((*here, key) for key in (*keys, "unknown") if key not in value)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield (*here, index)
            yield from places(inner, keys, (*here, index))
    if here and isinstance(here[-1], str):
        yield here


def edited(base, path, value):
    document = copy.deepcopy(base)
    target = document
    for step in path[:-1]:
        target = target[step]
    if value == {"delete": True}:
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
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    stream = random.Random(20260)
    layers = list(samples(schema["properties"]["model"]))
    pools = {
        key: [value for part in parts for value in samples(part)]
        for key, parts in properties(schema, {}).items()
    }
    # Existing places are as likely to be edited as all those that could be added.
    old, new = [], []
    for name, base in bases.items():
        assert validator.is_valid(base), name
        for path in places(base, pools):
            (old if exists(base, path) else new).append((name, path))
    valid, invalid = [], []
    seen = set()
    while len(valid) < VALID or len(invalid) < INVALID:
        name, path = stream.choice(stream.choice((old, new)))
        pool = pools.get(path[-1], []) if isinstance(path[-1], str) else []
        if isinstance(path[-1], int):
            pool = [layer for model in layers for layer in model] if path[0] == "model" else []
        value = stream.choice(pool if pool and stream.random() < 0.8 else ODDITIES)
        if exists(bases[name], path) and stream.random() < 0.05:
            value = {"delete": True}
        is_valid = validator.is_valid(edited(bases[name], path, value))
        case = [name, list(path), value, is_valid]
        kept, enough = (valid, VALID) if is_valid else (invalid, INVALID)
        text = json.dumps(case)
        if len(kept) < enough and text not in seen and len(text) < 400:
            seen.add(text)
            kept.append(text)
    fixture = {
        "made by": f"Python {platform.python_version()}, "
        f"jsonschema {importlib.metadata.version('jsonschema')}",
        "bases": bases,
    }
    lines = json.dumps(fixture, indent=1)[:-2]
    lines += ',\n "cases": [\n  ' + ",\n  ".join(valid + invalid) + "\n ]\n}\n"
    (here / "schema_cases.json").write_text(lines)
    print(f"{len(valid)} valid and {len(invalid)} invalid edits")


if __name__ == "__main__":
    main()
