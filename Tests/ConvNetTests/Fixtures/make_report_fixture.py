"""Makes classification_report.json: what scikit-learn's classification_report says of the samples of
metrics.json.

    python make_report_fixture.py            # needs scikit-learn, numpy
"""

import json
import pathlib
import platform

import numpy as np
import sklearn
from sklearn.metrics import classification_report


def main():
    folder = pathlib.Path(__file__).parent
    cases = []
    for case in json.loads((folder / "metrics.json").read_text())["cases"]:
        every = list(range(case["classes"]))
        taken = np.array(case["scores"]).reshape(-1, case["classes"]).argmax(1)
        report = classification_report(
            case["labels"], taken, labels=every, output_dict=True, zero_division=0)
        rows = {name: report[name] for name in [*map(str, every), "macro avg", "weighted avg"]}
        cases.append(
            {
                "name": case["name"], "source": "scikit-learn", "confusion": case["confusion"],
                "rows": {
                    name: [row["precision"], row["recall"], row["f1-score"], row["support"]]
                    for name, row in rows.items()
                },
            }
        )
    made_with = {
        "script": "make_report_fixture.py", "python": platform.python_version(),
        "numpy": np.__version__, "scikit-learn": sklearn.__version__,
    }
    lines = ",\n    ".join(json.dumps(case) for case in cases)
    text = f'{{\n  "made_with": {json.dumps(made_with)},\n  "cases": [\n    {lines}\n  ]\n}}\n'
    (folder / "classification_report.json").write_text(text)


if __name__ == "__main__":
    main()
