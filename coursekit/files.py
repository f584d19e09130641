"""Archivos que se escriben enteros o no se escriben."""

from __future__ import annotations

import os
from pathlib import Path

from coursekit.errors import CourseError


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


def read_sheet(path: Path) -> tuple[str, str]:
    """El texto de un CSV y su codificación, la que le haya puesto la hoja de cálculo.

    Raises:
        CourseError: si no es texto.
    """
    raw = path.read_bytes()
    encodings = ["utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8", "cp1252"]
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    for encoding in encodings:
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise CourseError(f"No se puede leer {path}: no parece un archivo de texto.")
