"""Functions of the host as the library calls them.

There is one C function of each kind for the life of the process, and `user` is a number under which
the Python object is kept here. So nothing that the library may still call is ever freed, not even
while the interpreter goes: what is still lent then may be let go by whoever goes last. And a task
costs a dictionary entry, not a new piece of machine code.

Nothing may leave a host function but its value: what a callback raises goes to sys.unraisablehook,
or becomes the status of a job. KeyboardInterrupt and SystemExit are kept and raised again when the
library has returned to the thread they came up on.
"""

import ctypes
import itertools
import sys
import threading

_numbers = itertools.count(1)
_kept = {}
_here = threading.local()


def keep(thing):
    """Keeps `thing` and says under which number."""
    number = next(_numbers)
    _kept[number] = thing
    return number


def kept(number):
    return _kept[number]


def drop(number, kept=_kept):
    """Forgets what was kept; None when it has gone before."""
    return kept.pop(number, None)


def kept_count():
    return len(_kept)


class _Raised:
    """What sys.unraisablehook wants to know."""

    def __init__(self, error, message, thing):
        self.exc_type, self.exc_value, self.exc_traceback = type(error), error, error.__traceback__
        self.err_msg, self.object = message, thing


def report(error, where):
    """Tells of an exception that nobody can catch, and keeps those that end a program."""
    if isinstance(error, Exception):
        sys.unraisablehook(_Raised(error, "Exception ignored in", where))
    else:
        _here.ending = error


def hold(error):
    """Keeps an exception that ends a program, whatever else becomes of it."""
    if not isinstance(error, Exception):
        _here.ending = error


def raise_held():
    """After a call in which host functions may have run on this thread."""
    ending = getattr(_here, "ending", None)
    if ending is not None:
        _here.ending = None
        raise ending


_keep_for_ever = ctypes.pythonapi.Py_IncRef
_keep_for_ever.argtypes = [ctypes.py_object]
_keep_for_ever.restype = None


def guarded(c_type, default=None):
    """A C function of this type from a Python one that may raise; then it returns `default`."""

    def wrap(function):
        def call(*arguments):
            try:
                return function(*arguments)
            except BaseException as error:
                report(error, function)
                return default

        made = c_type(call)
        _keep_for_ever(made)
        return made

    return wrap
