"""How callbacks of a runtime run inside an asyncio loop.

A runtime with its own loop thread tells by notify, from any thread, that something waits; the
asyncio loop is woken once and dispatches all of it. A runtime that is turned by hand has a
descriptor, which the asyncio loop watches beside its own sockets, and a time by which it wants to
be polled.
"""

import asyncio

from .constants import Status
from .errors import Error

RETRY_S = 0.001  # another thread dispatches just now, and may have looked too early


class Driver:
    def __init__(self, runtime, manual):
        self._runtime, self._manual = runtime, manual
        self._loop = None
        self._scheduled = False
        self._fd = None
        self._timer = None

    def attach(self):
        """The running loop, which callbacks run in from here on."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self.detach()
            self._loop = loop
            self._scheduled = False
            if self._manual:
                self._fd, _ = self._runtime.backend()
                loop.add_reader(self._fd, self._turn)
            self._schedule()  # what came while no loop was attached
        return loop

    def detach(self):
        loop, self._loop = self._loop, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if loop is not None and self._fd is not None and not loop.is_closed():
            loop.remove_reader(self._fd)
        self._fd = None

    def notify(self):
        """Any thread."""
        if not self._scheduled:
            self._schedule()

    def _schedule(self):
        loop = self._loop
        if loop is None:
            return
        self._scheduled = True
        try:
            loop.call_soon_threadsafe(self._turn)
        except RuntimeError:  # the loop is closed; what waits stays until one is attached
            self._scheduled = False

    def _turn(self):
        self._scheduled = False
        if self._loop is None:
            return
        try:
            self._runtime.poll(0) if self._manual else self._runtime.dispatch()
        except Error as error:
            if error.status != Status.E_BUSY:
                raise
            self._loop.call_later(RETRY_S, self._turn)
            return
        if self._manual:
            self._arm()

    def _arm(self):
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        _, timeout_ms = self._runtime.backend()
        if timeout_ms >= 0:
            self._timer = self._loop.call_later(timeout_ms / 1000, self._turn)
