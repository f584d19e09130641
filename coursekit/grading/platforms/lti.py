"""LTI 1.3: las notas como las pide su servicio de calificaciones (Assignment and Grade Services)."""

from __future__ import annotations

from datetime import datetime, timezone

from coursekit.grading.printable import printable
from coursekit.grading.reports import feedback_lines
from coursekit.grading.results import UNREADABLE, Batch
from coursekit.grading.scales import Scale

NOTICE = (
    "A cada nota le falta «userId», el identificador con que tu plataforma conoce al estudiante: "
    "ningún archivo de entregas lo lleva. Ponlo antes de enviarlas."
)


def scores(batch: Batch, scale: Scale, timestamp: datetime | None = None) -> dict:
    """Una nota por entrega, lista para enviar en cuanto lleve el `userId` de la plataforma.

    Args:
        batch: las notas.
        scale: su escala.
        timestamp: instante de la calificación, con zona horaria; si falta, ahora.

    Returns:
        `aviso`, que dice lo que falta, y `notas`: de cada entrega, `estudiante`, `archivo` y `score`.
    """
    moment = (timestamp or datetime.now(timezone.utc)).isoformat(timespec="milliseconds")
    notes = [
        {
            "estudiante": printable(grade.student),
            "archivo": printable(grade.file),
            "score": {
                "scoreGiven": scale.grade(grade.points, grade.max_points),
                "scoreMaximum": scale.highest,
                "comment": " ".join(feedback_lines(grade)),
                "timestamp": moment,
                "activityProgress": "Submitted" if grade.state == UNREADABLE else "Completed",
                "gradingProgress": "PendingManual"
                if any(answer.points is None for answer in grade.open_answers) or grade.state == UNREADABLE
                else "FullyGraded",
            },
        }
        for grade in batch.grades
    ]
    return {"aviso": NOTICE, "notas": notes}
