"""Codificador y decodificador: todo lo leído pasa por un solo vector, el código.

Si lo que se escribe es lo que se leyó, es un autocodificador.
"""

import math
from itertools import zip_longest

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent.base import SymbolWriter
from coursekit.recurrent.padded import last_read, read_padded
from coursekit.recurrent.states import parts
from coursekit.text import collate_padded
from coursekit.training import evaluating


class EncoderDecoder(SymbolWriter):
    """Lee una secuencia, la resume en un código de `code_size` números y escribe otra.

    Args:
        encoder: cualquier red recurrente; lee los vectores de los símbolos.
        decoder: cualquiera que no sea bidireccional; en cada paso lee el vector del
            símbolo anterior seguido del código, que así no tiene que recordar.
        vocab_size, code_size: número de símbolos y tamaño del código.
        end: índice del símbolo que abre y cierra todo lo que se escribe.
        embedding: la tabla de vectores; si no se da, son one-hot.
    Raises:
        CourseError: si los tamaños no casan o el decodificador es bidireccional.

    Source: Cho et al. (2014), «Learning Phrase Representations using RNN…».
    """

    def __init__(self, encoder, decoder, vocab_size, code_size, end=0, embedding=None):
        super().__init__(encoder, decoder, vocab_size, code_size, end, embedding)
        self.to_code = nn.Linear(self.num_outputs, code_size)
        self.output_layer = nn.Linear(self.num_written, vocab_size)

    def encode(self, X, lengths):
        """X (lote, pasos) y sus largos -> códigos (lote, code_size), entre -1 y 1."""
        H = read_padded(self.encoder, self.vectors(X), lengths)
        return torch.tanh(self.to_code(last_read(self.encoder, H, lengths)))

    def decode(self, code, previous, state=None):
        """Los logits de lo que sigue a cada símbolo de `previous` (lote, pasos)."""
        inputs = self.vectors(previous)
        codes = repeated(code, len(inputs), len(previous), self.to_code.out_features)
        H, state = self.decoder(torch.cat([inputs, codes], dim=2), state)
        return self.output_layer(H).transpose(0, 1), state

    def forward(self, batch, state=None):
        """Lee X y escribe viendo la verdad: batch = (X, lengths, previous)."""
        X, lengths, previous = batch
        return self.decode(self.encode(X, lengths), previous, state)


def paired_batch(sources, targets, end: int = 0):
    """Un lote de `coursekit.training.fit` para un codificador y decodificador.

    Un autocodificador escribe lo que leyó: sources y targets son lo mismo. Si además
    debe quitar ruido, sources es targets estropeado.

    Args:
        sources, targets: listas de secuencias de índices, lo que se lee y se escribe.
        end: el índice del símbolo final, que no puede estar dentro de una secuencia.
    Returns:
        (X, lengths, previous), Y. El decodificador lee en `previous` el final y luego
        la verdad, y debe escribir Y: la verdad y luego el final, con -100 de relleno.
    Raises:
        CourseError: si no van por parejas, una que leer está vacía o una que escribir
            tiene dentro el símbolo final.
    """
    check_pairs(sources, targets, end)
    X, lengths = collate_padded(sources, end)
    previous, _ = collate_padded([[end, *target] for target in targets], end)
    Y, _ = collate_padded([[*target, end] for target in targets], -100)
    return (X, lengths, previous), Y


def write(model: nn.Module, code, max_symbols: int) -> list[list[int]]:
    """Lo que el modelo escribe con cada código, leyéndose a sí mismo, sin la verdad.

    Args:
        model: un `EncoderDecoder` o un `AttentionEncoderDecoder`.
        code: lo que dio `model.encode`, o códigos (lote, code_size) de otro origen.
        max_symbols: largo máximo; antes acaba quien escribe el símbolo final.
    Returns:
        Una lista de índices por código, sin el símbolo final.
    """
    first = parts(code)[0]
    symbols = torch.full((len(first), 1), model.end, device=first.device)
    state = None
    with evaluating(model):
        for _ in range(max_symbols):
            logits, state = model.decode(code, symbols[:, -1:], state)
            symbols = torch.cat([symbols, logits.argmax(dim=2)], dim=1)
    rows = [[*row, model.end] for row in symbols[:, 1:].tolist()]
    return [row[: row.index(model.end)] for row in rows]


def sequence_accuracy(written, truth) -> tuple[float, float]:
    """Exactitud por símbolo y fracción de secuencias enteras sin un error.

    Un símbolo acierta si está en su lugar; los que faltan y los que sobran son errores.

    Args:
        written, truth: listas de secuencias de índices, en el mismo orden.
    Raises:
        CourseError: si no hay ninguna o no hay una escrita por cada verdadera.
    """
    if not len(truth) or len(written) != len(truth):
        raise CourseError(
            f"Hay {len(written)} secuencias escritas y {len(truth)} verdaderas: tiene "
            "que haber una escrita por cada verdadera, y al menos una."
        )
    pairs = [(list(ours), list(theirs)) for ours, theirs in zip(written, truth)]
    # Donde la más corta ya acabó hay un hueco, que no es igual a ningún símbolo.
    hits = [a == b for pair in pairs for a, b in zip_longest(*pair)]
    whole = [ours == theirs for ours, theirs in pairs]
    return float(sum(hits)) / len(hits) if hits else 1.0, sum(whole) / len(whole)


def compression(sequences, vocab_size: int, code_size: int, bits: int = 32):
    """Cuántas veces menor es el código que lo leído: en números y en bits.

    La primera razón compara los números de los one-hot con los del código. La segunda,
    más honrada, los log2(vocab_size) bits de cada símbolo con los `bits` de cada número
    del código: menor que 1, el código ocupa más que el texto.

    Raises:
        CourseError: si no hay secuencias o alguno de los tamaños es menor que 1.
    """
    if not len(sequences) or min(vocab_size, code_size, bits) < 1:
        raise CourseError(
            f"No se puede medir con {len(sequences)} secuencias, vocab_size="
            f"{vocab_size}, code_size={code_size} y bits={bits}: todo debe ser al "
            "menos 1."
        )
    mean_length = sum(map(len, sequences)) / len(sequences)
    in_numbers = mean_length * vocab_size / code_size
    return in_numbers, mean_length * math.log2(vocab_size) / (code_size * bits)


def quantize(code: torch.Tensor, bits: int) -> torch.Tensor:
    """El código redondeado a 2^bits valores entre -1 y 1, para ver cuántos usa.

    Raises:
        CourseError: si `bits` es menor que 1.
    """
    if bits < 1:
        raise CourseError(f"bits={bits}: con menos de un bit no hay dos valores.")
    levels = 2**bits - 1
    return ((code + 1) / 2 * levels).round() / levels * 2 - 1


def interpolate(first: torch.Tensor, last: torch.Tensor, num_codes: int):
    """Códigos a igual distancia entre dos, ambos incluidos: (num_codes, code_size)."""
    steps = torch.linspace(0, 1, num_codes, device=first.device)
    return torch.lerp(first, last, steps[:, None])


def repeated(code, num_steps: int, batch_size: int, code_size: int) -> torch.Tensor:
    """El mismo código en todos los pasos, (num_steps, lote, code_size).

    Raises:
        CourseError: si no es un tensor (lote, code_size).
    """
    if not torch.is_tensor(code) or code.shape != (batch_size, code_size):
        given = tuple(getattr(code, "shape", ())) or type(code).__name__
        raise CourseError(
            f"El código es {given} y debe ser un tensor de forma "
            f"{batch_size, code_size}: el que da encode, con una fila por secuencia."
        )
    return code.expand(num_steps, *code.shape)


def check_pairs(sources, targets, end: int) -> None:
    """Comprueba las secuencias de `paired_batch`.

    Raises:
        CourseError: si no van de dos en dos o el símbolo final está dentro de una.
    """
    if len(sources) != len(targets):
        raise CourseError(
            f"Hay {len(sources)} secuencias que leer y {len(targets)} que escribir: "
            "tienen que ir por parejas."
        )
    for target in targets:
        if end in list(target):
            raise CourseError(
                f"El símbolo final, {end}, está dentro de {list(target)}: lo que sigue "
                "no se escribiría. Resérvale un índice que ningún texto use."
            )
