"""La letra tapada de la primera página: las cuentas con las que el navegador calcula probabilidades.

Las hace, a partir del «Quijote», `python book/_ext/coursesite/letters.py`, y se guardan en
`book/_static/letras.json`; una prueba las repite y compara las probabilidades con las de
`coursekit.ngrams.WittenBell`.
"""

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

STATIC = Path(__file__).parents[2] / "_static"
COUNTS = STATIC / "letras.json"
SCRIPT = "letras.js"

ORDER = 4
NUM_COUNTED = 360_000  # letras: más no cabrían en 60 kB
NUM_PHRASES, PHRASE_LENGTH, FIRST_COVERED = 16, 44, 28


def table(text: str) -> dict:
    """Cuenta los n-gramas del comienzo del libro y elige frases del resto.

    Args:
        text: el libro, con solo letras y espacios.
    Returns:
        Un diccionario que se puede guardar como JSON. En «counts» cada renglón es una historia de
        `ORDER - 1` letras seguida de lo que vino detrás, con las veces si fueron más de una.
    """
    counted, rest = text[:NUM_COUNTED], text[NUM_COUNTED:]
    followers = {}
    ngrams = Counter(counted[i : i + ORDER] for i in range(len(counted) - ORDER + 1))
    for ngram, times in sorted(ngrams.items()):
        followers.setdefault(ngram[:-1], []).append(ngram[-1] + (str(times) if times > 1 else ""))
    step = len(rest) // (NUM_PHRASES + 1)
    starts = [rest.index(" ", step * (number + 1)) + 1 for number in range(NUM_PHRASES)]
    return {
        "source": "Don Quijote de la Mancha",
        "made_by": "python book/_ext/coursesite/letters.py",
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "num_counted": len(counted),
        "order": ORDER,
        "first_covered": FIRST_COVERED,
        "symbols": "".join(sorted(set(counted))),
        "start": counted[: ORDER - 1],
        "phrases": [rest[start : start + PHRASE_LENGTH] for start in starts],
        "counts": "\n".join(history + "".join(after) for history, after in followers.items()),
    }


def write_script(folder: Path) -> None:
    """Deja las cuentas donde la página las pueda leer también sin servidor: en un script."""
    folder.joinpath(SCRIPT).write_text(f"const LETRAS = {COUNTS.read_text('utf-8')};\n", "utf-8")


def main() -> int:
    from coursekit.data import load
    from coursekit.text import letters

    corpus = load("quijote")
    if corpus.is_sample:
        print("Hace falta el «Quijote» completo: «coursekit datos descargar quijote».")
        return 1
    made = json.dumps(table("".join(letters(corpus.text))), ensure_ascii=False)
    COUNTS.write_text(made + "\n", "utf-8")
    print(f"{COUNTS.name}: {COUNTS.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
