"""What terminals understand: colours and lines that are drawn over, which Windows' console has to be asked to take."""

from __future__ import annotations

import os
import sys
from typing import TextIO

_ESCAPES = 4  # ENABLE_VIRTUAL_TERMINAL_PROCESSING of the Windows API


def takes_escapes(stream: TextIO) -> bool:
    """Whether a stream is a terminal that takes escape sequences."""
    if os.environ.get("TERM") == "dumb" or not stream.isatty():
        return False
    return _switched_on(stream)


def _switched_on(stream: TextIO) -> bool:
    """Asks a console of Windows to take escape sequences; those before Windows 10 show them as they stand."""
    if sys.platform == "win32":
        import ctypes
        import msvcrt

        console = ctypes.WinDLL("kernel32")
        try:
            handle = ctypes.c_void_p(msvcrt.get_osfhandle(stream.fileno()))
        except (OSError, ValueError):
            return False
        mode = ctypes.c_uint32()
        if not console.GetConsoleMode(handle, ctypes.byref(mode)):
            return False
        return bool(mode.value & _ESCAPES or console.SetConsoleMode(handle, ctypes.c_uint32(mode.value | _ESCAPES)))
    return True
