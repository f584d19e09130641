"""Predecir el símbolo que sigue, con frases y comienzos de distinto largo."""

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.base import SymbolReader
from coursekit.recurrent.padded import last_read, read_padded
from coursekit.text import collate_padded


class NextSymbol(SymbolReader):
    """Lee un comienzo entero y da un logit por símbolo siguiente; no escribe nada más.

    La red puede ser bidireccional, al revés que en `LanguageModel`, solo porque el
    comienzo está cortado: quien lee hacia atrás no ve lo que hay que adivinar. A cambio
    cada comienzo da una sola predicción y se lee entero otra vez al crecer.

    Args:
        rnn: cualquier red recurrente.
        vocab_size: número de símbolos.
        embedding: la tabla de vectores; si no se da, son one-hot.
    Raises:
        CourseError: si la red no puede leer esos vectores.
    """

    def __init__(self, rnn: nn.Module, vocab_size: int, embedding=None):
        super().__init__(rnn, vocab_size, embedding)
        self.rnn = rnn
        self.output_layer = nn.Linear(self.num_outputs, vocab_size)

    def forward(self, batch, state=None):
        """batch = (X, lengths), de `collate_padded` -> logits (lote, vocab_size), None.

        Cada comienzo se lee desde el principio: el estado no se usa.
        """
        X, lengths = batch
        H = read_padded(self.rnn, self.vectors(X), lengths)
        return self.output_layer(last_read(self.rnn, H, lengths)), None


def shifted_batch(sequences) -> tuple[torch.Tensor, torch.Tensor]:
    """Un lote de `LanguageModel` con frases de distinto largo, (lote, pasos) cada uno.

    X es cada frase sin su último símbolo; Y, sin el primero, con -100 donde ya no hay
    frase: `train_epoch` no cuenta esos lugares, y una red que solo mira atrás no los
    nota en los demás.

    Args:
        sequences: listas de índices, de al menos dos; conviene que acaben en un símbolo
            final, para que el modelo aprenda también a terminar.
    Raises:
        CourseError: si no hay secuencias o alguna tiene menos de dos símbolos.
    """
    short = [sequence for sequence in sequences if len(sequence) < 2]
    if short:
        raise CourseError(
            f"La secuencia {list(short[0])} no tiene nada que predecir: hacen falta al "
            "menos dos símbolos, quizá con el símbolo final."
        )
    padded, _ = collate_padded(sequences, -100)
    return padded[:, :-1].clamp(min=0), padded[:, 1:]
