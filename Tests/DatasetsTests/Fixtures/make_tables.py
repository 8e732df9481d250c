"""Makes tables/ and tables.json: small tables and arrays of images in the forms that pandas, NumPy and
spreadsheets write, and the images and labels that they are of.

    python3 make_tables.py      (pandas 3, NumPy 2)

What is expected is what was written; of tables with fractions, what pandas reads and NumPy rounds.
"""
import base64
import json
from pathlib import Path

import numpy as np
import pandas as pd

here = Path(__file__).parent
folder = here / "tables"
folder.mkdir(exist_ok=True)
rng = np.random.default_rng(14)
N, H, W = 8, 4, 4
images = rng.integers(0, 256, (N, H * W), np.uint8)
images[:, [0, 5]] = [[200, 0]]  # the first pixel is light, another always dark
images[0, 0] = 255
images[1, 0] = 130
labels = np.array([7, 1, 3, 0, 9, 1, 7, 2])
pixels = [f"pixel{i}" for i in range(H * W)]
cases = []


def packed(array):
    return base64.b64encode(np.ascontiguousarray(array, np.uint8).tobytes()).decode()


def case(name, classes=10, x=images, y=labels, notes=(), shape=(H, W, 1), **more):
    """One that is read: the bytes x, the labels y, and parts of the notes that are made."""
    cases.append(dict(file=name, classes=classes, shape=list(shape), images=packed(x),
                      labels=packed(y), notes=list(notes), **more))


def frame(x=images, y=labels):
    return pd.concat([pd.Series(y, name="label"), pd.DataFrame(x, columns=pixels)], axis=1)


def tables():
    plain = frame()
    last = plain[pixels + ["label"]].rename(columns={"label": "Class"})
    plain.to_csv(folder / "plain.csv", index=False)
    case("plain.csv")
    plain.to_csv(folder / "CAPITALS.CSV", index=False)
    case("CAPITALS.CSV")
    last.to_csv(folder / "last.csv", index=False)
    case("last.csv")
    last.rename(columns={"Class": "species"}).to_csv(folder / "odd.csv", index=False)
    case("odd.csv", notes=['the last column, "species", is taken for the labels'])
    plain.to_csv(folder / "index.csv")
    case("index.csv", notes=['the first column, "", is left out, a count of the rows'])
    plain.reset_index(names="id").to_csv(folder / "id.csv", index=False)
    case("id.csv", notes=['the first column, "id", is left out, a count of the rows'])
    plain.to_csv(folder / "headerless_index.csv", header=False)
    case("headerless_index.csv", notes=["the first column is left out, a count of the rows"])
    bare = pd.DataFrame(np.column_stack([labels, images]))
    bare.to_csv(folder / "numbers.csv", index=False)
    case("numbers.csv", notes=["line 1 (0, 1, 2, …, 16) is taken for a header"])
    bare.to_csv(folder / "numbers_index.csv")
    case("numbers_index.csv", notes=["line 1 (, 0, 1, …, 16) is taken for a header",
                                     "is left out, a count of the rows"])
    pd.DataFrame(images).assign(label=labels).to_csv(folder / "numbers_last.csv", index=False)
    case("numbers_last.csv")
    headerless = pd.DataFrame(np.column_stack([images, labels]))
    headerless.to_csv(folder / "headerless_last.csv", index=False, header=False)
    case("headerless_last.csv", notes=["the last column is taken for the labels"])
    case("headerless_last.csv", label_column=-1)
    plain.to_csv(folder / "tabs.tsv", index=False, sep="\t")
    case("tabs.tsv")
    plain.to_csv(folder / "utf16.csv", index=False, sep=";", encoding="utf-16")
    case("utf16.csv")
    plain.to_csv(folder / "utf16be.csv", index=False, header=False, encoding="utf-16-be")
    marked = (folder / "utf16be.csv").read_bytes()
    (folder / "utf16be.csv").write_bytes(b"\xfe\xff" + marked)
    (folder / "utf16_unmarked.csv").write_bytes(marked)
    case("utf16be.csv")
    case("utf16_unmarked.csv")
    plain.to_csv(folder / "mark.csv", index=False, header=False, encoding="utf-8-sig")
    case("mark.csv")
    for packing in ["gz", "bz2", "zip"]:
        plain.to_csv(folder / f"packed.csv.{packing}", index=False)
        case(f"packed.csv.{packing}")
    np.savetxt(folder / "savetxt.txt", np.column_stack([labels, images]), fmt="%.8e")
    case("savetxt.txt")
    np.savetxt(folder / "savetxt_header.txt", np.column_stack([labels, images]), fmt="%d",
               delimiter=",", header=",".join(["label"] + pixels))
    case("savetxt_header.txt")
    plain.astype(float).to_csv(folder / "floats.csv", index=False)
    case("floats.csv")
    text = plain.to_csv(index=False).split("\n")
    (folder / "blank.csv").write_text(
        "\n" + "," * 16 + "\n" + "\n".join(text[:3]) + "\n\n" + "\n".join(text[3:]) + "\n\n")
    case("blank.csv", notes=["3 blank lines are passed over, the first of them line 1"])
    (folder / "returns.csv").write_bytes("\r".join(text).encode())
    case("returns.csv")
    (folder / "trailing.csv").write_text(",\n".join(text[:-1]) + ",\n")
    case("trailing.csv", notes=["is left out, a column without pixels"])

    # An image that was read as a header: 0, 0.1, 0.2, …
    dark = images.copy()
    dark[0, 2:] = 0
    first = np.column_stack([labels, dark])
    pd.DataFrame(first).to_csv(folder / "mangled.csv", index=False, header=False)
    read = pd.read_csv(folder / "mangled.csv")
    assert "0.12" in read.columns, list(read.columns)
    read.to_csv(folder / "mangled.csv", index=False)
    case("mangled.csv", x=dark, notes=["line 1 is an image that pandas wrote as a header"])


def parts_of_white():
    unit = images.astype(np.float32) / np.float32(255)
    frame(unit).to_csv(folder / "unit.csv", index=False)
    assert np.array_equal(
        np.rint(255 * pd.read_csv(folder / "unit.csv")[pixels].to_numpy()), images)
    case("unit.csv", notes=["pixels from 0 to 1 are taken as parts of 1"])
    frame(np.round(images / 255, 3)).to_csv(folder / "three.csv", index=False)
    case("three.csv", notes=["pixels from 0 to 1 are taken as parts of 1"])
    two = np.round(images / 255, 2)
    frame(two).to_csv(folder / "two.csv", index=False)
    case("two.csv", x=np.rint(255 * two),
         notes=["rounded to the 256 levels that are kept, by up to 0.5 of a level"])
    # A spreadsheet in German settings: semicolons, decimal commas, Windows's letters and line ends.
    names = np.array(["Äpfel", "Birnen", "Nüsse"])
    y = labels % 3
    german = frame(two, names[y])
    german = german[pixels + ["label"]].rename(columns={"label": "Klasse"})
    german.to_csv(folder / "german.csv", index=False, sep=";", decimal=",", encoding="cp1252",
                  lineterminator="\r\n")
    found = pd.read_csv(folder / "german.csv", sep=";", decimal=",", encoding="cp1252")
    x = np.rint(255 * found[pixels].to_numpy())
    assert list(found["Klasse"]) == list(names[y])
    case("german.csv", classes=list(names), x=x, y=y,
         notes=["fields are parted by semicolons, decimals by commas",
                "letters that are no UTF-8 are read as Windows-1252",
                "rounded to the 256 levels", 'the last column, "Klasse", is taken for the labels'])
    content = (folder / "german.csv").read_bytes().decode("cp1252")
    (folder / "declared.csv").write_bytes(b"sep=;\r\n" + content.encode())
    case("declared.csv", classes=list(names), x=x, y=y,
         notes=["decimals by commas", "rounded to the 256 levels", "is taken for the labels"])
    sixteen = images // 16
    frame(sixteen).to_csv(folder / "sixteen.csv", index=False)
    case("sixteen.csv", x=sixteen, notes=["WARNING: no pixel is more than 15 of 255"])
    case("sixteen.csv", x=np.rint(sixteen * 17.0), pixel_max=15,
         notes=["pixels from 0 to 15 are taken as parts of 15"])


def class_names():
    y = np.array([1, 7, 7, 1, 1, 7, 1, 7])
    index = (y == 7).astype(int)
    frame(y=y).to_csv(folder / "one_seven.csv", index=False)
    case("one_seven.csv", classes=["1", "7"], y=index)
    frame(y=y.astype(float)).to_csv(folder / "one_seven_floats.csv", index=False)
    case("one_seven_floats.csv", classes=["1", "7"], y=index)
    case("one_seven_floats.csv", classes=["7", "1"], y=1 - index)
    frame(y=[f'{v}"a, b' for v in y]).to_csv(folder / "quoted.csv", index=False)
    case("quoted.csv", classes=['1"a, b', '7"a, b'], y=index)
    frame(y=index).to_csv(folder / "indices.csv", index=False)
    case("indices.csv", classes=["cat", "dog"], y=index,
         notes=["labels are taken as the numbers of the classes: 0 is cat, 1 is dog"])
    for name, labels_of in [("y_text", y.astype(str)), ("y_bytes", y.astype("S")), ("y_int", y),
                            ("y_column", y[:, None].astype(">f8"))]:
        np.savez(folder / f"{name}.npz", x=images.reshape(N, H, W), y=labels_of)
        case(f"{name}.npz", classes=["1", "7"], y=index)


def arrays():
    square = images.reshape(N, H, W)
    colour = rng.integers(0, 256, (N, 3, 2, 3), np.uint8)
    eye = np.eye(10)[labels]

    def save(name, array, y=labels, **more):
        np.savez_compressed(folder / f"{name}.npz", x_train=array, y_train=y)
        case(f"{name}.npz", **more)

    save("one_hot", square, eye.astype(np.float32), notes=["labels are one-hot rows of 10"])
    save("one_hot_fortran", square, np.asfortranarray(eye.astype(bool)),
         notes=["labels are one-hot rows of 10"])
    for kind in ["float16", "float32", ">f4", "float64"]:
        name = kind.replace(">", "big_")
        save(f"unit_{name}", (square / 255).astype(kind)[..., None],
             notes=["pixels from 0 to 1 are taken as parts of 1"])
        save(f"bytes_{name}", square.astype(kind))
    for kind in ["int16", ">u2", "int32", "int64", "uint64"]:
        save(kind.replace(">", "big_"), square.astype(kind))
    dark = square > 127
    save("bool", dark, x=dark * 255, notes=["pixels from 0 to 1 are taken as parts of 1"])
    save("fortran", np.asfortranarray(square))
    save("fortran_flat", np.asfortranarray(images.astype(np.float32)))
    first = "channels come first"
    nhwc = colour.transpose(0, 2, 3, 1)
    save("first", colour, x=nhwc, shape=nhwc.shape[1:], notes=[first])
    save("first_fortran", np.asfortranarray(colour / np.float32(255)), x=nhwc,
         shape=nhwc.shape[1:], notes=[first, "are taken as parts of 1"])
    save("first_grey", square[:, None], notes=[first])
    save("last", nhwc, x=nhwc, shape=nhwc.shape[1:])


def validation():
    np.savez_compressed(
        folder / "validation.npz", x_train=images.reshape(N, H, W), y_train=labels,
        x_val=images[::-1].reshape(N, H, W)[:3], y_val=labels[::-1][:3],
        x_test=images[:2].reshape(2, H, W), y_test=labels[:2])
    case("validation.npz", notes=["its own validation images, x_val with y_val, are not used"])


tables()
parts_of_white()
class_names()
arrays()
validation()
result = {"versions": {"numpy": np.__version__, "pandas": pd.__version__}, "cases": cases}
(here / "tables.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
