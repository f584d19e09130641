"""Archivos que se escriben enteros o no se escriben."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes, encoding: str = "utf-8", mode: int = 0o644) -> None:
    """Escribe un archivo de una vez: quien interrumpe no encuentra nada a medias."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".nuevo")
    try:
        draft.touch(mode)
        draft.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)  # si ya está en su sitio, no queda nada que borrar
