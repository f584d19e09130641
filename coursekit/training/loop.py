"""El bucle de entrenamiento."""

import copy
import math
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from coursekit.errors import CourseError


@dataclass
class History:
    """Lo que pasó en cada época; `validation` queda vacía si no se valida."""

    epoch: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)  # entropía cruzada media, en nats
    validation: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # duración de cada época


def seed_everything(seed: int) -> torch.Generator:
    """Fija todas las semillas y devuelve un generador de PyTorch con la misma."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def clip_gradients(model: nn.Module, max_norm: float) -> torch.Tensor:
    """Recorta el gradiente: g ← min(1, max_norm / ‖g‖) g. Devuelve ‖g‖ sin recortar.

    La norma es la de todos los parámetros juntos, como si fueran un solo vector.
    """
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    norm = torch.sqrt(sum((grad**2).sum() for grad in grads))
    if norm > max_norm:
        for grad in grads:
            grad *= max_norm / norm
    return norm


def train_epoch(model, batches, optimizer, clip=1.0, carry_state=False) -> float:
    """Una época: un paso de gradiente por lote. Devuelve la pérdida media por símbolo.

    `batches` da pares (X, Y) de forma (lote, pasos); un -100 en Y es relleno y no
    cuenta. Con `carry_state`, cada lote sigue donde acabó el anterior: el estado pasa,
    pero el gradiente no (BPTT truncada).
    """
    total, num_symbols, state = 0.0, 0, None
    for X, Y in batches:
        logits, state = model(X, detach(state) if carry_state else None)
        loss = F.cross_entropy(logits.flatten(0, -2), Y.flatten())
        optimizer.zero_grad()
        loss.backward()
        clip_gradients(model, clip)
        optimizer.step()
        num_targets = (Y != -100).sum().item()  # cross_entropy se salta los -100
        total += loss.item() * num_targets
        num_symbols += num_targets
    if num_symbols == 0:
        raise CourseError("La época no tiene ningún lote: ¿es muy corto el texto?")
    return total / num_symbols


def detach(state):
    """El mismo estado, sin su historia de gradientes (None, tensor o tupla)."""
    if isinstance(state, tuple):
        return tuple(detach(part) for part in state)
    return None if state is None else state.detach()


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Sin gradientes y en modo de evaluación; al salir, el modelo vuelve a su modo."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


class EarlyStopping:
    """Parada temprana: guarda los mejores pesos y dice cuándo dejar de esperar."""

    def __init__(self, model: nn.Module, patience: int):
        self.model, self.patience = model, patience
        self.best, self.waited = math.inf, 0
        self.weights = copy.deepcopy(model.state_dict())

    def should_stop(self, value: float) -> bool:
        """Si ya van `patience` épocas sin que `value` baje de su mejor marca."""
        if value < self.best:  # falso con NaN: cuenta como una época sin mejora
            self.best, self.waited = value, 0
            self.weights = copy.deepcopy(self.model.state_dict())
        else:
            self.waited += 1
        return self.waited >= self.patience

    def restore(self) -> None:
        """Devuelve al modelo los pesos de su mejor época."""
        self.model.load_state_dict(self.weights)


def fit(
    model: nn.Module,
    batches: Callable[[], Iterable],
    optimizer: torch.optim.Optimizer,
    *,
    num_epochs: int,
    clip: float = 1.0,
    carry_state: bool = False,
    validate: Callable[[], float] | None = None,
    patience: int | None = None,
    run_epoch: Callable[..., float] | None = None,
    progress: bool = True,
) -> History:
    """Entrena el modelo, que queda en modo de evaluación.

    `batches()` da los lotes (X, Y) de una época; `validate()`, un número, mejor cuanto
    menor. Con `patience`, tras esas épocas sin mejora para; vuelven los mejores pesos.
    `run_epoch(model, batches, optimizer, clip)` hace una época y da su pérdida; sin
    ella, el modelo es de lenguaje y la hace `train_epoch`.
    """
    check_settings(batches, validate, patience)
    run_epoch = run_epoch or partial(train_epoch, carry_state=carry_state)
    history = History()
    stopping = EarlyStopping(model, patience) if patience else None
    bar = tqdm(range(num_epochs), "Épocas", disable=not (progress and is_watched()))
    for epoch in bar:
        start = time.perf_counter()
        model.train()
        loss = run_epoch(model, batches(), optimizer, clip)
        model.eval()
        check_loss(loss, epoch, stopping)
        history.epoch.append(epoch + 1)
        history.loss.append(loss)
        if validate:
            history.validation.append(float(validate()))
        history.seconds.append(time.perf_counter() - start)
        bar.set_postfix_str(f"pérdida {loss:.3f}")
        if stopping and stopping.should_stop(history.validation[-1]):
            break
    if stopping:
        stopping.restore()
    return history


def check_settings(batches, validate, patience) -> None:
    """Comprueba los argumentos de `fit` que suelen confundirse.

    Raises:
        CourseError: si `batches` no es una función o a la paciencia le falta algo.
    """
    if not callable(batches):
        raise CourseError(
            f"batches es de tipo {type(batches).__name__} y debe ser una función que "
            "dé los lotes de una época; por ejemplo, lambda: lotes."
        )
    if patience is not None and (patience < 1 or validate is None):
        raise CourseError(
            f"patience={patience}: la parada temprana necesita una paciencia mínima "
            "de 1 y una función validate que diga cómo va el modelo."
        )


def check_loss(loss: float, epoch: int, stopping: EarlyStopping | None) -> None:
    """Comprueba que la pérdida sea un número; con parada temprana aún hay remedio.

    Raises:
        CourseError: si no lo es y no se guardan los mejores pesos.
    """
    if not math.isfinite(loss) and stopping is None:
        raise CourseError(
            f"La pérdida de la época {epoch + 1} es {loss}: el entrenamiento explotó. "
            "Prueba una tasa de aprendizaje menor o un recorte de gradiente más fuerte."
        )


def is_watched() -> bool:
    """Si hay alguien mirando: una terminal, o un cuaderno abierto por una persona.

    Un cuaderno que se ejecuta solo (la construcción del sitio, las pruebas) no puede
    contestar preguntas; así lo reconocemos, y sus salidas guardadas no llevan barras.
    """
    if "IPython" in sys.modules:
        kernel = getattr(sys.modules["IPython"].get_ipython(), "kernel", None)
        if kernel is not None:
            return bool(getattr(kernel, "_allow_stdin", False))
    return sys.stderr.isatty()
