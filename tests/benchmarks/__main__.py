"""Todas las mediciones de velocidad, como razones con su referencia, en una sola tabla.

    python -m tests.benchmarks [nombre…]

Sin nombres se hacen todas. La tabla va a la salida; el avance, a la de errores. Una razón vale lo
que la calma de la máquina: al final se dice su carga.
"""

import os
import sys

from coursekit.errors import CourseError

from .measuring import alone, run, table

NAMES = ("ppmi", "word2vec", "ngrams", "rnn", "packing", "grader")


def main(names: list[str]) -> None:
    if unknown := set(names) - set(NAMES):
        sys.exit(f"No hay ninguna medición {', '.join(unknown)}; las que hay: {', '.join(NAMES)}.")
    rows, missing = [], []
    for name in names or NAMES:
        print(f"Midiendo {name}…", file=sys.stderr)
        try:
            rows += alone(run, name)
        except CourseError as error:
            missing.append(f"Sin medir {name}: {error}")
    print(table(rows))
    print(f"\n{os.cpu_count()} núcleos; carga media del último minuto: {os.getloadavg()[0]:.1f}")
    if missing:
        sys.exit("\n".join(missing))


if __name__ == "__main__":
    main(sys.argv[1:])
