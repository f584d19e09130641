"""Los informes de un lote: notas para el acta, comentarios para cada estudiante y resumen.

Todo lo que viene de una entrega, también el nombre del estudiante, se trata como hostil: las
plantillas escapan cuanto escriben, y cada página prohíbe por su cuenta cualquier guion y cualquier
petición a otro sitio.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from statistics import fmean, median

from coursekit.errors import CourseError
from coursekit.files import write_whole
from coursekit.grading.likeness import alike
from coursekit.grading.printable import printable, printable_lines
from coursekit.grading.results import MISSING, OK, RIGHT, UNTRIED, Batch, ExerciseGrade, Grade
from coursekit.grading.scales import Scale
from coursekit.grading.submissions import is_name_of_a_copy
from coursekit.text import without_accents

_SYMBOLS = {RIGHT: "✔", UNTRIED: "○", MISSING: "○"}
_FORMULA = re.compile(r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)$")  # Windows no deja llamar así a un archivo


def write_reports(batch: Batch, scale: Scale, folder: Path) -> None:
    """Escribe los informes en una carpeta; los que ya había se sustituyen enteros.

    Son `notas.csv`, `notas.json`, `resumen.html`, `retro/` con una página y un texto por entrega y,
    si el conjunto tiene preguntas abiertas, `abiertas.html`. Lo único que cambia de una vez a otra
    con la misma semilla son los segundos: la última columna de `notas.csv` y el apartado `segundos`
    de `notas.json`.

    Args:
        batch: las notas.
        scale: escala en que se escriben.
        folder: carpeta de salida; se crea si falta.

    Raises:
        CourseError: si falta Jinja, que escribe las páginas.
    """
    html, markdown = _environment("html"), _environment("md")
    names = feedback_names(batch.grades)
    common = {"batch": batch, "scale": scale}
    write_whole(folder / "notas.csv", notes_csv(batch, scale), "utf-8-sig")
    write_whole(folder / "notas.json", notes_json(batch, scale))
    for grade in batch.grades:
        for environment, suffix in ((html, "html"), (markdown, "md")):
            page = environment.get_template(f"retro.{suffix}").render(grade=grade, **common)
            write_whole(folder / "retro" / f"{names[grade.file]}.{suffix}", page)
    summary = html.get_template("resumen.html").render(
        names=names, **common, **_summary(batch, scale)
    )
    write_whole(folder / "resumen.html", summary)
    if questions := _open_questions(batch):
        page = html.get_template("abiertas.html").render(questions=questions, **common)
        write_whole(folder / "abiertas.html", page)


def notes_csv(batch: Batch, scale: Scale) -> str:
    """Las notas como las abre una hoja de cálculo en español: punto y coma, y coma decimal.

    Ninguna celda empieza como una fórmula: las que lo harían llevan delante un apóstrofo.
    """
    ids = exercise_ids(batch)
    questions = list(dict.fromkeys(a.id for grade in batch.grades for a in grade.open_answers))
    names = feedback_names(batch.grades)
    file = io.StringIO()
    rows = csv.writer(file, delimiter=";", lineterminator="\r\n")
    rows.writerow(
        ["estudiante", "archivo", *ids, *questions, "total", "máximo", "nota", "aprueba", "estado", "motivo"]
        + ["comentarios", "segundos"]
    )
    for grade in batch.grades:
        points = {exercise.id: exercise.points for exercise in grade.exercises}
        by_hand = {a.id: a.points for a in grade.open_answers if a.points is not None}
        marks = [number(points.get(id, 0.0)) for id in ids]
        marks += [number(by_hand[id]) if id in by_hand else "" for id in questions]
        total = (grade.points, grade.max_points)
        cells = [grade.student, grade.file, *marks, *map(number, total), scale.text(*total)]
        cells[2:] = [text.replace(".", ",") for text in cells[2:]]
        cells += ["sí" if scale.passes(*total) else "no", grade.state, remarks(grade, batch)]
        cells += [f"retro/{names[grade.file]}.html", f"{grade.seconds:.2f}".replace(".", ",")]
        rows.writerow(map(spreadsheet_cell, cells))
    return file.getvalue()


def notes_json(batch: Batch, scale: Scale) -> str:
    """Las notas para un programa: todo igual de una vez a otra, menos `segundos`."""
    names = feedback_names(batch.grades)
    content = {
        "conjunto": batch.set_id,
        "título": batch.title,
        "escala": {
            "nombre": scale.name,
            "mínima": scale.lowest,
            "máxima": scale.highest,
            "aprobado": scale.passing,
            "exigencia": scale.demand,
        },
        "semilla": batch.seed_fingerprint,
        "entregas": [
            {
                "estudiante": printable(grade.student),
                "archivo": printable(grade.file),
                "estado": grade.state,
                "motivo": printable(remarks(grade, batch)),
                "puntos": _rounded(grade.points),
                "máximo": _rounded(grade.max_points),
                "nota": scale.grade(grade.points, grade.max_points),
                "aprueba": scale.passes(grade.points, grade.max_points),
                "ejercicios": [
                    {
                        "id": exercise.id,
                        "título": exercise.title,
                        "estado": exercise.state,
                        "puntos": _rounded(exercise.points),
                        "máximo": _rounded(exercise.max_points),
                        "hallazgo": printable(exercise.finding, 600),
                        "error clásico": exercise.mistake,
                    }
                    for exercise in grade.exercises
                ],
                "abiertas": [
                    {"id": a.id, "puntos": a.points, "máximo": _rounded(a.max_points)}
                    for a in grade.open_answers
                ],
                "comentarios": f"retro/{names[grade.file]}.html",
                "huella": grade.digest,
            }
            for grade in batch.grades
        ],
        "segundos": [round(grade.seconds, 3) for grade in batch.grades],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def feedback_names(grades: tuple[Grade, ...]) -> dict[str, str]:
    """El nombre, sin extensión, del archivo de comentarios de cada entrega.

    Es el del estudiante en minúsculas sin tildes, apto para cualquier sistema. Los que coinciden, o
    imitan la terminación de los que coinciden, llevan detrás doce cifras que salen de su archivo.

    Returns:
        Un nombre distinto por cada `grade.file`.
    """
    slugs = {grade.file: _slug(grade.student) for grade in grades}
    repeated = Counter(slugs.values())
    return {
        file: f"{slug}-{_fingerprint(file)}"
        if repeated[slug] > 1 or re.search(r"-[0-9a-f]{12}$", slug)
        else slug
        for file, slug in slugs.items()
    }


def exercise_ids(batch: Batch) -> list[str]:
    """Los ejercicios del conjunto, en su orden."""
    return list(dict.fromkeys(e.id for grade in batch.grades for e in grade.exercises))


def spreadsheet_cell(text: object) -> str:
    """Un texto en una línea que ninguna hoja de cálculo toma por una fórmula."""
    text = printable(text, 1000)
    return f"'{text}" if _FORMULA.match(text) else text


def remarks(grade: Grade, batch: Batch) -> str:
    """Lo que el docente ha de saber de una entrega: por qué no es `ok` y si no se sabe de quién es."""
    return "; ".join(filter(None, [grade.reason, _whose(grade, batch)]))


def _whose(grade: Grade, batch: Batch) -> str:
    if not is_name_of_a_copy(grade.student, batch.set_id):
        return ""
    return "el archivo se llama como una copia del cuaderno y no como un estudiante: averigua de quién es"


def person(student: str) -> str:
    """El nombre de un estudiante, tal como se puede enseñar."""
    return printable(student, 120) or "(sin nombre)"


def sentence(text: str) -> str:
    """Un hallazgo, ya en una línea, con mayúscula y punto."""
    text = printable(text, 600)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "…")) or not text else ".")


def comment(exercise: ExerciseGrade) -> str:
    """Los comentarios de un ejercicio en un párrafo de texto."""
    parts = [sentence(exercise.state)]
    if exercise.finding:
        parts.append(sentence(exercise.finding))
    if exercise.mistake:
        parts.append(f"Es un error clásico: {sentence(exercise.mistake)}")
    return " ".join(parts)


def feedback_lines(grade: Grade) -> list[str]:
    """Los comentarios de una entrega, uno por ejercicio y por respuesta abierta con puntos."""
    lines = [f"{exercise.name}: {comment(exercise)}" for exercise in grade.exercises]
    return lines + [
        f"{printable(a.question)}: {number(a.points)} de {number(a.max_points)} puntos."
        for a in grade.open_answers
        if a.points is not None
    ]


def number(value: float) -> str:
    """Unos puntos sin ceros de más: 7.5, 10."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _rounded(value: float) -> float:
    return round(value, 6)


def _slug(student: str) -> str:
    plain = without_accents(student.casefold()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:60].strip("-")
    return f"estudiante-{slug}".strip("-") if not slug or _RESERVED.match(slug) else slug


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _environment(kind: str):
    """Jinja con todo escapado: en HTML por su mecanismo, en Markdown al terminar cada expresión."""
    try:
        import jinja2
    except ImportError as error:
        raise CourseError(
            'Falta Jinja, que escribe los informes: en la carpeta del curso, pip install ".[calificar]"'
        ) from error
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("coursekit.grading"),
        autoescape=kind == "html",
        finalize=_markdown if kind == "md" else None,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        line=printable, lines=printable_lines, sentence=sentence, number=number, person=person
    )
    environment.globals["symbol"] = lambda state: _SYMBOLS.get(state, "✘")
    return environment


def _markdown(value: object) -> str:
    """Escribe un texto de modo que en Markdown se lea tal cual: ni enlaces, ni HTML, ni énfasis."""
    text = re.sub(r"([\\`*_{}\[\]<>#|~$!&@^])", r"\\\1", printable(value, 1000))
    if re.search(r"://|www\.", text):  # una dirección suelta se vuelve enlace si no se corta
        text = re.sub(r"(?<=\w)([:.])(?=[\w/])", r"\\\1", text)
    return text


def _summary(batch: Batch, scale: Scale) -> dict:
    """Lo que cuenta el resumen: reparto de notas, ejercicios, errores y a quién mirar."""
    marks = [scale.grade(grade.points, grade.max_points) for grade in batch.grades]
    passed = sum(scale.passes(grade.points, grade.max_points) for grade in batch.grades)
    return {
        "mean": fmean(marks) if marks else 0.0,
        "median": median(marks) if marks else 0.0,
        "passed": passed,
        "bins": _histogram(marks, scale),
        "exercises": _difficulty(batch),
        "mistakes": _mistakes(batch),
        "watch": _watch(batch, scale),
    }


def _histogram(marks: list[float], scale: Scale) -> list[dict]:
    """Barras de un punto (medio en las escalas cortas); la nota máxima cae en la última."""
    width = 1.0 if scale.highest - scale.lowest >= 10 else 0.5
    size = round((scale.highest - scale.lowest) / width) + 1
    counts = Counter(int((mark - scale.lowest) / width + 1e-9) for mark in marks)
    tallest = max(counts.values(), default=1)
    return [
        {
            "low": scale.lowest + width * place,
            "count": counts[place],
            "height": counts[place] / tallest,
            "passes": scale.lowest + width * place >= scale.passing - 1e-9,
        }
        for place in range(size)
    ]


def _difficulty(batch: Batch) -> list[dict]:
    """Cada ejercicio con cuántos lo resuelven, fallan o dejan; el más difícil, primero."""
    rows, names = [], _exercise_names(batch)
    for id in exercise_ids(batch):
        states = Counter(e.state for grade in batch.grades for e in grade.exercises if e.id == id)
        total = sum(states.values())
        right, untried = states[RIGHT], states[UNTRIED] + states[MISSING]
        parts = {"right": right, "wrong": total - right - untried, "untried": untried}
        place = len(rows)
        rows.append(
            {"id": id, "name": names[id], "place": place, **parts, "total": total, "share": right / total}
        )
    return sorted(rows, key=lambda row: row["share"])


def _exercise_names(batch: Batch) -> dict[str, str]:
    return {e.id: e.name for grade in batch.grades for e in grade.exercises}


def _mistakes(batch: Batch) -> list[dict]:
    names = _exercise_names(batch)
    counts = Counter(
        (e.id, e.mistake) for grade in batch.grades for e in grade.exercises if e.mistake
    )
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"name": names[id], "sentence": text, "count": count} for (id, text), count in ordered]


def _watch(batch: Batch, scale: Scale) -> list[dict]:
    """A quién mirar: entregas con problemas, sin dueño, iguales entre sí o a un paso del aprobado."""
    same = defaultdict(list)
    for grade in batch.grades:
        if grade.points:
            same[grade.digest].append(grade)
    reading = any(a.points is not None for grade in batch.grades for a in grade.open_answers)
    lookalikes = alike(batch.grades)
    near = 0.1 * (scale.highest - scale.lowest)
    rows = []
    for grade in batch.grades:
        mark = scale.grade(grade.points, grade.max_points)
        reasons = []
        if grade.state != OK:
            reasons.append(f"{grade.state}: {grade.reason}" if grade.reason else grade.state)
        if whose := _whose(grade, batch):
            reasons.append(whose)
        waiting = sum(answer.points is None for answer in grade.open_answers)
        if reading and waiting:
            reasons.append(f"respuestas abiertas sin puntos: {waiting}")
        twins = [other for other in same[grade.digest] if other is not grade] if grade.points else []
        if twins:
            reasons.append(f"el mismo archivo, byte a byte, que {_people(twins)}")
        similar = [pair for pair in lookalikes.get(grade.file, ()) if pair[0].digest != grade.digest]
        if similar:
            names = [e.name for e in grade.exercises if any(e in exercises for _, exercises in similar)]
            reasons.append(
                f"funciones iguales, salvo nombres y formato, a las de {_people([g for g, _ in similar])} "
                f"({', '.join(names)})"
            )
        if 0 < scale.passing - mark <= near and not scale.passes(grade.points, grade.max_points):
            reasons.append("a un paso del aprobado")
        elif not grade.points and grade.state == OK:
            reasons.append("lo intentó y no tiene ningún punto")
        if reasons:
            rows.append({"grade": grade, "reasons": reasons})
    return rows


def _people(grades: list[Grade]) -> str:
    """Los nombres de unas entregas: los tres primeros y cuántas más."""
    more = f" y otras {len(grades) - 3} entregas" if len(grades) > 3 else ""
    return ", ".join(person(grade.student) for grade in grades[:3]) + more


def _open_questions(batch: Batch) -> list[dict]:
    """Las preguntas abiertas, cada una con todas sus respuestas: así se califican parejo."""
    questions: dict[str, dict] = {}
    for grade in batch.grades:
        for answer in grade.open_answers:
            entry = questions.setdefault(answer.id, {"asked": answer, "answers": []})
            entry["answers"].append({"grade": grade, "open": answer})
    return list(questions.values())
