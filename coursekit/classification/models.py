"""Las redes que clasifican textos: forward(ids, lengths) -> un logit por clase.

`ids` (lote, pasos) trae relleno a la derecha y `lengths` (lote,) dice dónde empieza. Las
recurrentes no miran más allá y la bolsa se salta el índice del relleno: nunca cambia una
predicción.
"""

from collections.abc import Mapping

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.text import Vocab


class VanillaRNN(nn.Module):
    """Red recurrente simple que lee el texto y decide con su último estado.

    Args:
        vocab_size: tokens del vocabulario.
        num_classes: clases entre las que elige.
        embed_size, num_hiddens: tamaño de los *embeddings* y del estado oculto.
        pad_id: índice del relleno, cuyo *embedding* es cero y no se entrena.
    """

    def __init__(
        self, vocab_size, num_classes, embed_size=100, num_hiddens=256, pad_id=1
    ):
        super().__init__()
        self.settings = dict(
            vocab_size=vocab_size, num_classes=num_classes, embed_size=embed_size,
            num_hiddens=num_hiddens, pad_id=pad_id,
        )  # fmt: skip
        self.embedding = nn.Embedding(vocab_size, embed_size, padding_idx=pad_id)
        self.rnn = nn.RNN(embed_size, num_hiddens, batch_first=True)
        self.output_layer = nn.Linear(num_hiddens, num_classes)

    def forward(self, ids, lengths):
        """ids (lote, pasos) y lengths (lote,) -> logits (lote, num_classes)."""
        check_batch(ids, lengths, self.embedding.num_embeddings)
        H, _ = self.rnn(self.embedding(ids))  # (lote, pasos, num_hiddens)
        return self.output_layer(last_state(H, lengths))


def last_state(H, lengths):
    """El estado tras el último token verdadero de cada texto: H[i, lengths[i] - 1]."""
    return H[torch.arange(len(H), device=H.device), lengths - 1]


def reverse_by_length(X, lengths):
    """Cada fila de X (lote, pasos, d) al revés; el relleno se queda donde estaba."""
    steps = torch.arange(X.shape[1], device=X.device)
    mirror = lengths[:, None] - 1 - steps  # (lote, pasos); negativo en el relleno
    source = torch.where(mirror >= 0, mirror, steps)
    return X.gather(1, source[:, :, None].expand_as(X))


class RecurrentLayer(nn.Module):
    """Una capa GRU o LSTM, en una dirección o en dos, que nunca lee relleno.

    Hacia delante, el relleno llega después de cuanto importa. Hacia atrás se lee la
    fila vuelta del revés según su largo, con lo que el relleno vuelve a llegar después.
    Da lo mismo que empaquetar, en una fracción del tiempo de procesador.
    """

    def __init__(self, cell, num_inputs, num_hiddens, bidirectional):
        super().__init__()
        kind = {"gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.ahead = kind(num_inputs, num_hiddens, batch_first=True)
        self.back = (
            kind(num_inputs, num_hiddens, batch_first=True) if bidirectional else None
        )

    def forward(self, X, lengths):
        """X (lote, pasos, num_inputs) -> estados de ida y, si hay, de vuelta."""
        ahead, _ = self.ahead(X)  # (lote, pasos, num_hiddens)
        if self.back is None:
            return [ahead]
        back, _ = self.back(reverse_by_length(X, lengths))
        return [ahead, reverse_by_length(back, lengths)]


class RecurrentClassifier(nn.Module):
    """GRU o LSTM de varias capas, en dos direcciones o en una.

    Args:
        vocab_size, num_classes: tokens del vocabulario y clases.
        cell: `"gru"` o `"lstm"`.
        embed_size, num_hiddens: tamaño de los *embeddings* y de cada estado oculto.
        num_layers, bidirectional: capas, y si cada una lee también hacia atrás.
        dropout: fracción que se apaga tras los *embeddings* y tras cada capa.
        pooling: qué se lee de la última capa: `"last"`, los estados finales de cada
            dirección; `"max"` o `"mean"`, el máximo o la media de todos los estados.
        pad_id: índice del relleno, cuyo *embedding* es cero y no se entrena.
    """

    def __init__(
        self, vocab_size, num_classes, cell="gru", embed_size=100, num_hiddens=256,
        num_layers=2, bidirectional=True, dropout=0.5, pooling="last", pad_id=1,
    ):  # fmt: skip
        super().__init__()
        check_choices(cell, pooling)
        self.settings = dict(
            vocab_size=vocab_size, num_classes=num_classes, cell=cell,
            embed_size=embed_size, num_hiddens=num_hiddens, num_layers=num_layers,
            bidirectional=bidirectional, dropout=dropout, pooling=pooling,
            pad_id=pad_id,
        )  # fmt: skip
        num_outputs = num_hiddens * (2 if bidirectional else 1)
        sizes = [embed_size] + [num_outputs] * (num_layers - 1)
        self.embedding = nn.Embedding(vocab_size, embed_size, padding_idx=pad_id)
        self.layers = nn.ModuleList(
            RecurrentLayer(cell, size, num_hiddens, bidirectional) for size in sizes
        )
        self.dropout, self.pooling = nn.Dropout(dropout), pooling
        self.output_layer = nn.Linear(num_outputs, num_classes)

    def forward(self, ids, lengths):
        """ids (lote, pasos) y lengths (lote,) -> logits (lote, num_classes)."""
        check_batch(ids, lengths, self.embedding.num_embeddings)
        X = self.dropout(self.embedding(ids))
        for layer in self.layers[:-1]:
            X = self.dropout(torch.cat(layer(X, lengths), dim=2))
        states = pool(self.layers[-1](X, lengths), lengths, self.pooling)
        return self.output_layer(self.dropout(states))


def pool(directions, lengths, pooling):
    """Un vector por texto a partir de los estados de sus tokens verdaderos.

    Args:
        directions: estados (lote, pasos, num_hiddens) de ida y, si hay, de vuelta.
        pooling: `"last"`, `"max"` o `"mean"`.
    """
    if pooling == "last":  # el de vuelta acaba en el primer token
        ahead, *back = directions
        return torch.cat([last_state(ahead, lengths), *(H[:, 0] for H in back)], dim=1)
    H = torch.cat(directions, dim=2)
    is_pad = (torch.arange(H.shape[1], device=H.device) >= lengths[:, None])[..., None]
    if pooling == "max":
        return H.masked_fill(is_pad, -torch.inf).amax(1)
    return H.masked_fill(is_pad, 0).sum(1) / lengths[:, None]


class BagOfEmbeddings(nn.Module):
    """Bolsa de palabras: la media de los *embeddings*, sin atender al orden.

    Args:
        vocab_size, num_classes: tokens del vocabulario y clases.
        embed_size: tamaño de los *embeddings*.
        dropout: fracción de la media que se apaga al entrenar.
        pad_id: índice del relleno, que no entra en la media.

    Source: Joulin et al. (2017), «Bag of Tricks for Efficient Text Classification».
    """

    def __init__(self, vocab_size, num_classes, embed_size=100, dropout=0.0, pad_id=1):
        super().__init__()
        self.settings = dict(
            vocab_size=vocab_size, num_classes=num_classes, embed_size=embed_size,
            dropout=dropout, pad_id=pad_id,
        )  # fmt: skip
        self.embedding = nn.EmbeddingBag(
            vocab_size, embed_size, mode="mean", padding_idx=pad_id
        )
        self.dropout = nn.Dropout(dropout)
        self.output_layer = nn.Linear(embed_size, num_classes)

    def forward(self, ids, lengths):
        """ids (lote, pasos) y lengths (lote,) -> logits (lote, num_classes)."""
        check_batch(ids, lengths, self.embedding.num_embeddings)
        return self.output_layer(self.dropout(self.embedding(ids)))


def fill_embedding(
    embedding: nn.Module, vocab: Vocab, vectors: Mapping, freeze: bool = False
) -> float:
    """Pone vectores ya entrenados en un *embedding*; los demás tokens no cambian.

    Args:
        embedding: el de una red de este cuarto, con `len(vocab)` filas.
        vectors: de token a vector; un diccionario o los `KeyedVectors` de gensim.
        freeze: si los *embeddings* dejan de entrenarse, los hallados y los demás.
    Returns:
        La cobertura: fracción del vocabulario, sin <unk> ni <pad>, con vector.
    Raises:
        CourseError: si los tamaños no casan o ningún token tiene vector.
    """
    weight = embedding.weight
    if len(vocab) != len(weight):
        raise CourseError(
            f"El embedding tiene {len(weight)} filas y el vocabulario {len(vocab)} "
            "tokens: crea la red con vocab_size=len(vocab)."
        )
    tokens = vocab.get_itos()[2:]
    found = [token for token in tokens if token in vectors]
    if not found:
        raise CourseError("Ningún token del vocabulario tiene vector: ¿es otra lengua?")
    rows = [torch.as_tensor(vectors[token]) for token in found]
    for token, row in zip(found, rows):
        if row.shape != weight.shape[1:]:
            raise CourseError(
                f"El vector de «{token}» tiene forma {tuple(row.shape)} y los del "
                f"embedding, {weight.shape[1]} números: crea la red con "
                f"embed_size={row.shape[-1]}."
            )
    with torch.no_grad():
        weight[vocab(found)] = torch.stack(rows).to(weight)
    weight.requires_grad_(not freeze)
    return len(found) / len(tokens)


def count_parameters(model: nn.Module) -> int:
    """Cuántos números ajusta el entrenamiento; los congelados no cuentan."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def check_choices(cell: str, pooling: str) -> None:
    """Comprueba la celda y lo que se lee de ella.

    Raises:
        CourseError: si alguna no es de las que hay.
    """
    if cell not in ("gru", "lstm"):
        raise CourseError(f"cell={cell!r}: las celdas que hay son 'gru' y 'lstm'.")
    if pooling not in ("last", "max", "mean"):
        raise CourseError(f"pooling={pooling!r}: puede ser 'last', 'max' o 'mean'.")


def check_batch(ids: torch.Tensor, lengths: torch.Tensor, vocab_size: int) -> None:
    """Comprueba que un lote sea de índices del vocabulario y largos verdaderos.

    Raises:
        CourseError: si las formas, los tipos o los valores no son los esperados.
    """
    if ids.dim() != 2 or ids.dtype != torch.long or ids.numel() == 0:
        raise CourseError(
            f"La red recibe un tensor {ids.dtype} de forma {tuple(ids.shape)} y espera "
            "índices torch.long de forma (lote, pasos), sin dimensiones vacías."
        )
    low, high = ids.min().item(), ids.max().item()
    if low < 0 or high >= vocab_size:
        raise CourseError(
            f"Hay un índice {low if low < 0 else high} fuera del vocabulario: con "
            f"{vocab_size} tokens los índices van de 0 a {vocab_size - 1}."
        )
    one_each = torch.is_tensor(lengths) and lengths.shape == ids.shape[:1]
    whole = one_each and not lengths.is_floating_point()
    if not whole or lengths.min() < 1 or lengths.max() > ids.shape[1]:
        raise CourseError(
            f"Los largos deben ser un tensor de {len(ids)} enteros, uno por texto, "
            f"entre 1 y {ids.shape[1]}, y son {list(lengths)[:5]}."
        )
