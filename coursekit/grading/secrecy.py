"""Lo que quien califica sabe, y ningún otro proceso debe poder leer."""

from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path

from coursekit.grading.jail.inside import kernel


def conceal(secret: str = "") -> None:
    """Cierra la memoria de este proceso a los demás y borra de ella lo que el sistema enseña a todos.

    Args:
        secret: un texto que vino en la orden o en su entorno.
    """
    if sys.platform != "linux":
        return
    kernel.hide_memory()
    # Lo que `/proc` enseña de una orden y de su entorno es la memoria de este proceso.
    words = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    wanted = secret.encode("utf-8", "surrogateescape")
    for start, end in (words[45:47], words[47:49]):
        shown = ctypes.string_at(int(start), int(end) - int(start))
        for found in re.finditer(re.escape(wanted), shown) if wanted else ():
            ctypes.memset(int(start) + found.start(), ord("*"), len(wanted))
