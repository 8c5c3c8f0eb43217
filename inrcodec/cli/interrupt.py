"""Ctrl-C during a long fit: the first asks for the best so far, the second gives up."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any


class Interrupt:
    """While entered, the first SIGINT sets `requested` and the next raises KeyboardInterrupt.

    Outside the main thread, and where SIGINT is ignored (nohup), nothing is changed.
    `note` is called with one line when the request is first seen by `stop`.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self.requested = False
        self._note = note
        self._told = False
        self._previous: Any = None

    def __enter__(self) -> "Interrupt":
        ignored = signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None)
        if threading.current_thread() is threading.main_thread() and not ignored:
            self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # Nothing is printed here: the signal may have come in the middle of another print.
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def stop(self) -> bool:
        """Whether to stop; says so the first time it is True."""
        if self.requested and not self._told:
            self._told = True
            self._note("stopping: writing the best so far (Ctrl-C again to give up)")
        return self.requested
