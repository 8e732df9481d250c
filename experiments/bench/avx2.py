"""Keeps libraries to the instructions of AVX2, where the processor has more.

Most can be asked to (`ASKED`). Some choose their kernels by CPUID alone: `environment(folder)` makes copies of ONNX
Runtime and LiteRT in a folder, in which each CPUID is a trap that cpuid_avx2.c answers without AVX-512 and VNNI, and
returns the variables with which Python uses them. Needs objdump and a C compiler, and a processor of x86-64.
"""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ASKED = {
    "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}
PACKAGES = ("onnxruntime", "ai_edge_litert")
CPUID, TRAP = b"\x0f\xa2", b"\xcc\x90"


def trap(library):
    """Puts traps in a library, and returns how many."""
    listed = subprocess.run(
        ["readelf", "--wide", "--section-headers", library], capture_output=True, text=True, check=True).stdout
    # Number, name, type, address, offset of each section with code.
    sections = [(int(a, 16), int(o, 16), int(s, 16)) for a, o, s in re.findall(
        r"\]\s+\S+\s+PROGBITS\s+([0-9a-f]+)\s+([0-9a-f]+)\s+([0-9a-f]+)\s+\S+\s+AX", listed)]
    code = subprocess.run(
        ["objdump", "--disassemble", library], capture_output=True, text=True, check=True).stdout
    data = bytearray(library.read_bytes())
    count = 0
    for found in re.findall(r"^\s*([0-9a-f]+):\t0f a2\s+\tcpuid", code, re.MULTILINE):
        address = int(found, 16)
        start, offset, _ = next(s for s in sections if s[0] <= address < s[0] + s[2])
        place = offset + address - start
        assert data[place:place + 2] == CPUID, f"{library}: no CPUID at {found}"
        data[place:place + 2] = TRAP
        count += 1
    if count:
        library.write_bytes(data)
    return count


def environment(folder):
    folder = pathlib.Path(folder)
    for package in PACKAGES:
        source = pathlib.Path(importlib.util.find_spec(package).origin).parent
        shutil.copytree(source, folder / package)
        total = sum(
            trap(file) for file in (folder / package).rglob("*.so*")
            if not file.is_symlink() and "vendors" not in file.parts)
        assert total, f"{package}: no CPUID was found"
    preload = folder / "cpuid_avx2.so"
    subprocess.run(
        ["cc", "-O1", "-shared", "-fPIC", "-o", preload, HERE / "cpuid_avx2.c"], check=True)
    return {**ASKED, "PYTHONPATH": str(folder), "LD_PRELOAD": str(preload)}
