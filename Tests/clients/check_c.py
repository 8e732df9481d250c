"""What a header says, by each C compiler that there is."""

import pathlib
import re
import shutil
import subprocess
import tempfile

import numpy

MAIN = """
#include <stdio.h>
#include "model.h"

int main(void) {
  static PIXEL pixels[@_PIXELS];
  float scores[@_CLASSES];
  while (fread(pixels, sizeof(PIXEL), @_PIXELS, stdin) == @_PIXELS) {
    int most = 0;
    $_ANSWER(pixels, scores);
    for (int i = 1; i < @_CLASSES; i++)
      if (scores[i] > scores[most]) most = i;
    if ($_classify(pixels) != most || !$_class_name(most)[0]) return 1;
    fwrite(scores, sizeof(float), @_CLASSES, stdout);
  }
  return 0;
}
"""


def compiled(path, images, few, export, classes):
    """Each compiler that there is; the first with its sanitizers too."""
    pixel = "unsigned char" if export.preparation else "float"
    answer = "probabilities" if export.softmax else "scores"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shutil.copy(path, folder / "model.h")
        prefix = re.search(r"static float (\w+)_memory", path.read_text()).group(1)
        text = MAIN.replace("@", prefix.upper()).replace("$", prefix)
        text = text.replace("PIXEL)", f"{pixel})").replace("static PIXEL", f"static {pixel}")
        (folder / "main.c").write_text(text.replace("ANSWER", answer))
        # Compilers take some seconds for each million of numbers.
        is_asked = few >= 1000 or path.stat().st_size < 1_500_000
        few = few if is_asked else 0
        strict = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
        fast = ["-O3", "-march=native"]
        again = len(images[: export.again])
        ways = [
            (name, command, count)
            for name, compiler, command, count in [
                ("gcc, C99", "gcc", ["gcc", "-std=c99", "-pedantic", *fast], len(images)),
                ("clang, C11", "clang", ["clang", "-std=c11", "-pedantic", *fast], again),
                ("g++", "g++", ["g++", "-x", "c++", "-O2"], few),
                (
                    "gcc, sanitizers",
                    "gcc",
                    ["gcc", "-O2", "-fsanitize=address,undefined", "-fno-sanitize-recover"],
                    few,
                ),
            ]
            if shutil.which(compiler) and count > 0
        ]
        assert ways, "there is no C compiler"
        if export.ways and not is_asked:
            ways = ways[:1]
        for name, command, count in ways:
            subprocess.run(
                command + strict + ["main.c", "-o", "main", "-lm"], cwd=folder, check=True
            )
            taken = images[:count].astype(numpy.uint8 if export.preparation else numpy.float32)
            result = subprocess.run(
                [folder / "main"], input=taken.tobytes(), capture_output=True, check=True
            )
            yield name, numpy.frombuffer(result.stdout, numpy.float32).reshape(-1, classes)
