"""Archivos generados: se escriben enteros o no se escriben, y solo si cambian."""

from pathlib import Path

from coursekit.files import write_whole

SUFFIXES = {"exercises": "-ejercicios", "solutions": "-soluciones"}


def notebook_file(docname: str) -> str:
    """Nombra el cuaderno de una página: en Colab, lección, ejercicios y soluciones se distinguen."""
    return f"{docname}{SUFFIXES.get(docname.partition('/')[0], '')}.ipynb"


def differences(generated: dict[Path, str], folder: Path, pattern: str) -> list[Path]:
    """Nombra los archivos que no están como se generan: los que faltan, cambian o sobran.

    Args:
        generated: contenido de cada archivo.
        folder: carpeta donde solo debe haber archivos generados.
        pattern: los archivos de la carpeta que cuentan, como «**/*.ipynb».
    """
    changed = {
        path
        for path, text in generated.items()
        if not path.is_file() or path.read_bytes() != text.encode()
    }
    return sorted(changed | (set(folder.glob(pattern)) - generated.keys()))


def write(generated: dict[Path, str], folder: Path, pattern: str) -> list[Path]:
    """Deja la carpeta como se genera y devuelve lo que hizo falta cambiar."""
    changed = differences(generated, folder, pattern)
    for path in changed:
        if path in generated:
            write_whole(path, generated[path])
        else:
            path.unlink()
    return changed
