"""Entrenar un clasificador y medirlo, siempre sobre ejemplos y nunca sobre lotes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from coursekit.errors import CourseError
from coursekit.training import History, clip_gradients, evaluating, fit

NO_BATCHES = (
    "No hay ningún lote: da un DataLoader o una lista, que se pueden recorrer en cada "
    "época; un generador se agota en la primera."
)


@dataclass
class ClassifierHistory(History):
    """Lo que pasó en cada época; las pérdidas y exactitudes son medias por ejemplo."""

    accuracy: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Evaluation:
    """Cómo le fue a un clasificador.

    Args:
        loss: entropía cruzada media por ejemplo, en nats.
        confusion: (clases, clases); la fila es la clase verdadera y la columna, la
            predicha.
    """

    loss: float
    confusion: np.ndarray

    @property
    def accuracy(self) -> float:
        """Exactitud: fracción de ejemplos acertados."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def precision(self) -> np.ndarray:
        """Precisión de cada clase: de lo que se le atribuye, cuánto es suyo."""
        return ratio(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> np.ndarray:
        """Exhaustividad de cada clase: de lo que es suyo, cuánto se le atribuye."""
        return ratio(np.diag(self.confusion), self.confusion.sum(axis=1))

    @property
    def f1(self) -> np.ndarray:
        """Media armónica de la precisión y la exhaustividad de cada clase."""
        false = self.confusion.sum(axis=0) + self.confusion.sum(axis=1)
        return ratio(2 * np.diag(self.confusion), false)


def ratio(numerator, denominator) -> np.ndarray:
    """Cociente de dos vectores, 0 donde el denominador es 0."""
    return numerator / np.maximum(denominator, 1)


def train_classifier_epoch(model, batches, optimizer, clip=1.0) -> tuple[float, float]:
    """Una época: un paso de gradiente por lote. Devuelve pérdida y exactitud medias.

    `batches` da ternas (ids, lengths, labels). El último lote puede ser menor: por eso
    se suman ejemplos, y no medias de lotes.
    """
    total_loss, num_right, num_examples = 0.0, 0, 0
    for ids, lengths, labels in to_device(batches, model):
        logits = model(ids, lengths)
        loss = F.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model, clip)
        optimizer.step()
        total_loss += loss.item() * len(labels)
        num_right += (logits.argmax(1) == labels).sum().item()
        num_examples += len(labels)
    if num_examples == 0:
        raise CourseError(NO_BATCHES)
    return total_loss / num_examples, num_right / num_examples


def train_classifier(
    model: nn.Module,
    train: Iterable,
    validation: Iterable,
    optimizer: torch.optim.Optimizer,
    *,
    num_epochs: int,
    clip: float = 1.0,
    patience: int | None = None,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    progress: bool = True,
) -> ClassifierHistory:
    """Entrena el modelo, que queda con los pesos de la época de menor pérdida de
    validación y en modo de evaluación.

    Args:
        train, validation: lotes (ids, lengths, labels); nunca los de prueba.
        patience: épocas sin mejora tras las que para; sin ella, las hace todas.
        scheduler: programa de la tasa de aprendizaje, que avanza una vez por época.
    Raises:
        CourseError: si la pérdida deja de ser un número.
    """
    accuracy, validation_accuracy = [], []

    def run_epoch(model, batches, optimizer, clip):
        loss, right = train_classifier_epoch(model, batches, optimizer, clip)
        check_finite(loss, len(accuracy) + 1)
        accuracy.append(right)
        if scheduler:
            scheduler.step()
        return loss

    def validate():
        evaluation = evaluate(model, validation)
        validation_accuracy.append(evaluation.accuracy)
        return evaluation.loss

    history = fit(
        model, lambda: train, optimizer, num_epochs=num_epochs, clip=clip,
        validate=validate, patience=patience or num_epochs, run_epoch=run_epoch,
        progress=progress,
    )  # fmt: skip
    return ClassifierHistory(**vars(history), accuracy=accuracy,
                             validation_accuracy=validation_accuracy)  # fmt: skip


def evaluate(model: nn.Module, batches: Iterable) -> Evaluation:
    """Mide un modelo sobre lotes (ids, lengths, labels), sin tocar sus pesos."""
    with evaluating(model):
        scored = [
            (model(ids, lengths).log_softmax(1), labels)
            for ids, lengths, labels in to_device(batches, model)
        ]
    if not scored:
        raise CourseError(NO_BATCHES)
    log_probs, labels = (torch.cat(part).cpu().numpy() for part in zip(*scored))
    return score(log_probs, labels)


def score(log_probs: np.ndarray, labels: np.ndarray) -> Evaluation:
    """La evaluación de unas predicciones.

    Args:
        log_probs: logaritmos de las probabilidades, de forma (ejemplos, clases).
        labels: las clases verdaderas, de forma (ejemplos,).
    """
    num_classes = log_probs.shape[1]
    pairs = labels * num_classes + log_probs.argmax(1)
    confusion = np.bincount(pairs, minlength=num_classes**2)
    loss = -log_probs[np.arange(len(labels)), labels].mean(dtype=np.float64)
    return Evaluation(float(loss), confusion.reshape(num_classes, num_classes))


def to_device(batches: Iterable, model: nn.Module):
    """Los mismos lotes, en el dispositivo del modelo."""
    device = next(model.parameters()).device
    for batch in batches:
        yield tuple(part.to(device) for part in batch)


def check_finite(loss: float, epoch: int) -> None:
    """Comprueba que la pérdida sea un número; si no lo es, ya no lo volverá a ser.

    Raises:
        CourseError: si es infinita o no es un número.
    """
    if not np.isfinite(loss):
        raise CourseError(
            f"La pérdida de la época {epoch} es {loss}: el entrenamiento explotó. "
            "Crea otra vez la red y prueba una tasa de aprendizaje menor o un recorte "
            "de gradiente más fuerte."
        )
