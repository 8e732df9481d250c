"""Lets PyTorch's wheel for CUDA compute on processors where CUDA's libraries, of four gigabytes, are not
installed: puts libraries of their names beside its own, in which every function fails.

PyTorch asks them whether there is a device, and is told that there is none. On a machine whose wheel
needs no such libraries nothing is done.
"""

import importlib.util
import pathlib
import re
import subprocess
import tempfile

# What PyTorch's own libraries need of others that are no part of a system.
CUDA = re.compile(r"lib(cu|nv|nccl)")
# cudaErrorNoDevice
FAILS = "int {}(void) {{ return 100; }}\n"


def lines(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return result.stdout.splitlines()


def main():
    package = pathlib.Path(importlib.util.find_spec("torch").origin).parent
    folder = package / "lib"
    libraries = sorted(folder.glob("*.so*"))
    needed, defined, wanted = set(), set(), set()
    # The library that each version of a function is of.
    libraries_of = {}
    for library in libraries:
        source = None
        for line in lines("objdump", "-p", library):
            if match := re.match(r"\s+NEEDED\s+(\S+)", line):
                needed.add(match[1])
            elif match := re.match(r"\s+required from (\S+):", line):
                source = match[1]
            elif source and (match := re.match(r"\s+0x\w+ 0x\w+ \d+ (\S+)", line)):
                libraries_of[match[1]] = source
        for line in lines("nm", "-D", library):
            kind, name = line.split()[-2:]
            if kind in "Uwv":
                wanted.add(name)
            else:
                defined.add(name.split("@")[0])
    present = {library.name for library in libraries}
    missing = sorted(name for name in needed - present if CUDA.match(name))
    functions = {library: {} for library in missing}
    for name in sorted(wanted):
        name, _, version = name.partition("@")
        if version:
            library = libraries_of.get(version)
        elif name not in defined and CUDA.match(f"lib{name}"):
            # Of no version, so any library will do.
            library = missing[0] if missing else None
        else:
            continue
        if library in functions:
            functions[library].setdefault(version, []).append(name)
    for library, versions in functions.items():
        source = "".join(FAILS.format(name) for names in versions.values() for name in names)
        script = "".join(
            f"{version} {{ global: {' '.join(f'{name};' for name in names)} }};\n"
            for version, names in versions.items()
            if version
        )
        with tempfile.NamedTemporaryFile("w", suffix=".map") as file:
            file.write(script)
            file.flush()
            options = [f"-Wl,-soname,{library}"]
            if script:
                options.append(f"-Wl,--version-script={file.name}")
            subprocess.run(
                ["gcc", "-shared", "-fPIC", "-w", "-x", "c", "-", *options]
                + ["-o", str(folder / library)],
                input=source, text=True, check=True)


main()
