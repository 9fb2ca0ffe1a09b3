"""Opens the shared library and gives its functions their types."""

import ctypes
import ctypes.util
import os
import sys
from pathlib import Path

from . import _abi
from .constants import ABI_VERSION

_NAMES = {"darwin": "libp2c2r.dylib", "win32": "p2c2r.dll"}


def _candidates():
    """Where the library may lie, best first: named by the caller, beside this package, in the build
    folder of the source tree this file belongs to, where the system looks."""
    name = _NAMES.get(sys.platform, "libp2c2r.so")
    here = Path(__file__).resolve()
    if named := os.environ.get("P2C2R_LIBRARY"):
        yield named
        return
    for place in (here.parent / name, here.parents[3] / "build" / "lib" / name):
        if place.exists():
            yield str(place)
    if found := ctypes.util.find_library("p2c2r"):
        yield found
    yield name


def _open():
    reasons = []
    for candidate in _candidates():
        try:
            return ctypes.CDLL(candidate)
        except OSError as error:
            reasons.append(str(error))
    raise ImportError(
        "the p2c2r library was not found; name it in P2C2R_LIBRARY: " + "; ".join(reasons)
    )


class Library:
    """The functions of p2c2r.h without their prefix: `lib.runtime_create`. Every call lets go of
    the interpreter lock, and functions of the host called from inside take it again."""

    def __init__(self):
        library = _open()
        for name, (result, *parameters) in _abi.PROTOTYPES.items():
            function = getattr(library, "p2c2r_" + name)
            function.restype = result
            function.argtypes = parameters
            setattr(self, name, function)
        if self.abi_version() != ABI_VERSION:
            raise ImportError(
                f"this package speaks interface {ABI_VERSION} of p2c2r, the library "
                f"{self.version_text().decode()} speaks {self.abi_version()}"
            )


lib = Library()
