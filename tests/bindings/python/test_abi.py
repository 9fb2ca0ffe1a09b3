"""Structs, functions and constants of the package are those of p2c2r.h as the compiler sees it."""

import ctypes
import enum
import os
import re
import shlex
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT

from p2c2r import _abi, constants  # noqa: E402

HEADER = (ROOT / "include" / "p2c2r" / "p2c2r.h").read_text()
CODE = re.sub(r"/\*.*?\*/", " ", HEADER, flags=re.S)

PREFIXES = {
    "Status": "",
    "LogLevel": "LOG_",
    "Run": "RUN_",
    "Deliver": "DELIVER_",
    "Gpu": "GPU_",
    "Format": "FORMAT_",
    "Verify": "VERIFY_",
    "Circle": "CIRCLE_",
    "Place": "PLACE_",
    "TaskFlags": "TASK_",
    "Source": "SOURCE_",
    "Split": "SPLIT_",
    "Text": "TEXT_",
    "ExecutorFlags": "EXECUTOR_",
    "JobState": "JOB_",
    "FramesFlags": "FRAMES_",
    "Quality": "QUALITY_",
    "Pixel": "PIXEL_",
    "EventType": "EVENT_",
    "Mode": "MODE_",
    "State": "STATE_",
    "CoordinatorFlags": "COORDINATOR_",
}
SCALARS = {
    "void": None,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "p2c2r_status": ctypes.c_int32,
    "p2c2r_task": ctypes.c_uint64,
    "p2c2r_content": ctypes.c_uint64,
}


def structs():
    """The package's struct classes by their C names."""
    found = {}
    for name, kind in vars(_abi).items():
        is_struct = isinstance(kind, type) and issubclass(kind, ctypes.Structure)
        if is_struct and hasattr(kind, "_fields_"):
            found["p2c2r_" + re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()] = kind
    return found


def numbers():
    """The package's constants by their C names."""
    found = {f"P2C2R_{name}": getattr(constants, name) for name in ("NONE", "ANY", "FOREVER")}
    found["P2C2R_ABI_VERSION"] = constants.ABI_VERSION
    for name, kind in vars(constants).items():
        if isinstance(kind, type) and issubclass(kind, enum.IntEnum | enum.IntFlag):
            if kind not in (enum.IntEnum, enum.IntFlag):
                for member in kind.__members__.values():
                    found[f"P2C2R_{PREFIXES[name]}{member.name}"] = int(member)
    return found


def run_c(lines):
    """What a C program prints whose main consists of these lines."""
    text = "#include <p2c2r/p2c2r.h>\n#include <stdio.h>\nint main(void) {\n"
    text += "\n".join(lines) + "\nreturn 0;\n}\n"
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "layout.c", Path(folder) / "layout"
        source.write_text(text)
        compiler = shlex.split(os.environ.get("CC", "cc"))
        include = f"-I{ROOT / 'include'}"
        subprocess.run([*compiler, "-std=c99", include, "-o", program, source], check=True)
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout


class AbiTest(unittest.TestCase):
    def test_every_struct_has_the_layout_that_the_c_compiler_gives_it(self):
        lines, expected = [], []
        for name, kind in structs().items():
            lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
            expected.append(f"{name} {ctypes.sizeof(kind)}")
            for field, _ in kind._fields_:
                offset = f"offsetof({name}, {field})"
                size = f"sizeof((({name}*)0)->{field})"
                lines.append(f'printf("{name}.{field} %zu %zu\\n", {offset}, {size});')
                ours = getattr(kind, field)
                expected.append(f"{name}.{field} {ours.offset} {ours.size}")
        self.assertEqual(run_c(lines).splitlines(), expected)

    def test_every_struct_and_every_field_of_the_header_is_in_the_package(self):
        declared = {}
        for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", CODE, flags=re.S):
            body = re.sub(r"\(P2C2R_CALL\*\s*(\w+)\)\([^)]*\)", r" \1", body)
            members = [re.sub(r"\[.*?\]", "", one).split() for one in body.split(";")]
            declared[name] = [words[-1].lstrip("*") for words in members if words]
        ours = {name: [field for field, _ in kind._fields_] for name, kind in structs().items()}
        self.assertGreaterEqual(len(declared), 17)
        self.assertEqual(ours, declared)

    def test_every_constant_has_the_value_of_the_header(self):
        ours = numbers()
        lines = [f'printf("{name} %lld\\n", (long long){name});' for name in ours]
        printed = dict(line.split() for line in run_c(lines).splitlines())
        signed = {name: ctypes.c_int64(value).value for name, value in ours.items()}
        self.assertEqual({name: int(value) for name, value in printed.items()}, signed)

    def test_every_constant_of_the_header_is_in_the_package(self):
        declared = set()
        for body in re.findall(r"enum \{(.*?)\}", CODE, flags=re.S):
            declared |= set(re.findall(r"(P2C2R_\w+)\s*=", body))
        self.assertGreater(len(declared), 90)
        self.assertEqual(declared - set(numbers()), set())

    def test_every_function_has_the_parameters_of_the_header(self):
        declared = {}
        pattern = r"P2C2R_API\s+([\w\s*]+?)\s*P2C2R_CALL\s+p2c2r_(\w+)\(([^;]*)\);"
        for result, name, parameters in re.findall(pattern, CODE):
            parts = [] if parameters == "void" else parameters.split(",")
            # A parameter's type is what stands before its name, or an array of it.
            types = [re.sub(r"\w+\[\d+\]$", "*", part.strip()) for part in parts]
            types = [re.sub(r"\w+$", "", part) for part in types]
            declared[name] = [kind_of(result), *map(kind_of, types)]
        ours = {name: [kind_in(kind) for kind in kinds] for name, kinds in _abi.PROTOTYPES.items()}
        self.assertEqual(ours, declared)


def kind_of(c_type):
    """A number's type, or that it is a pointer, of a type in C."""
    words = c_type.replace("const", "").split()
    if "*" in c_type:
        return "pointer"
    return SCALARS[words[0]]


def kind_in(ours):
    """The same of a type of ctypes."""
    pointer = ours in (ctypes.c_void_p, ctypes.c_char_p) or hasattr(ours, "contents")
    return "pointer" if pointer else ours


if __name__ == "__main__":
    unittest.main()
