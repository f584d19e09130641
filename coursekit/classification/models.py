"""Las redes que clasifican textos: forward(ids, lengths) -> un logit por clase.

`ids` (lote, pasos) trae relleno a la derecha y `lengths` (lote,) dice dónde empieza. Las
recurrentes no miran más allá y la bolsa se salta el índice del relleno: nunca cambia una
predicción. Por dentro, como en todo el curso, una red recurrente lee (pasos, lote, ·).
"""

from collections.abc import Mapping

import torch
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent import Bidirectional, last_read, read_padded
from coursekit.recurrent.padded import is_padding
from coursekit.recurrent.validation import check_ids, check_lengths
from coursekit.text import Vocab


class NeuralClassifier(nn.Module):
    """Lo que comparten las redes de este cuarto: comprobar lo que leen y poder guardarse.

    Args:
        settings: los argumentos con que se creó la red, para volver a crearla.
    Raises:
        CourseError: al leer, si no llegan índices del vocabulario o largos posibles.
    """

    saved_as = None  # el nombre con que se guarda; lo pone cada clase que se sabe abrir

    def __init__(self, **settings):
        super().__init__()
        self.settings = settings

    def __call__(self, ids, lengths):
        check_ids(ids, self.settings["vocab_size"])
        check_lengths(lengths, *ids.shape)
        return super().__call__(ids, lengths)


class VanillaRNN(NeuralClassifier):
    """Red recurrente simple que lee el texto y decide con su último estado.

    Args:
        vocab_size: tokens del vocabulario.
        num_classes: clases entre las que elige.
        embed_size, num_hiddens: tamaño de los *embeddings* y del estado oculto.
        pad_id: índice del relleno, cuyo *embedding* es cero y no se entrena.
    """

    saved_as = "VanillaRNN"

    def __init__(
        self, vocab_size, num_classes, embed_size=100, num_hiddens=256, pad_id=1
    ):
        super().__init__(
            vocab_size=vocab_size, num_classes=num_classes, embed_size=embed_size,
            num_hiddens=num_hiddens, pad_id=pad_id,
        )  # fmt: skip
        self.embedding = nn.Embedding(vocab_size, embed_size, padding_idx=pad_id)
        self.rnn = nn.RNN(embed_size, num_hiddens)
        self.output_layer = nn.Linear(num_hiddens, num_classes)

    def forward(self, ids, lengths):
        """ids (lote, pasos) y lengths (lote,) -> logits (lote, num_classes)."""
        X = self.embedding(ids).transpose(0, 1)  # (pasos, lote, embed_size)
        H = read_padded(self.rnn, X, lengths)  # (pasos, lote, num_hiddens)
        return self.output_layer(last_read(self.rnn, H, lengths))


CELLS = {"gru": nn.GRU, "lstm": nn.LSTM}


class RecurrentClassifier(NeuralClassifier):
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

    saved_as = "RecurrentClassifier"

    def __init__(
        self, vocab_size, num_classes, cell="gru", embed_size=100, num_hiddens=256,
        num_layers=2, bidirectional=True, dropout=0.5, pooling="last", pad_id=1,
    ):  # fmt: skip
        check_choices(cell, pooling)
        super().__init__(
            vocab_size=vocab_size, num_classes=num_classes, cell=cell,
            embed_size=embed_size, num_hiddens=num_hiddens, num_layers=num_layers,
            bidirectional=bidirectional, dropout=dropout, pooling=pooling,
            pad_id=pad_id,
        )  # fmt: skip
        num_outputs = num_hiddens * (2 if bidirectional else 1)
        sizes = [embed_size] + [num_outputs] * (num_layers - 1)
        self.embedding = nn.Embedding(vocab_size, embed_size, padding_idx=pad_id)
        self.layers = nn.ModuleList(
            recurrent_layer(CELLS[cell], size, num_hiddens, bidirectional)
            for size in sizes
        )
        self.dropout, self.pooling = nn.Dropout(dropout), pooling
        self.output_layer = nn.Linear(num_outputs, num_classes)

    def forward(self, ids, lengths):
        """ids (lote, pasos) y lengths (lote,) -> logits (lote, num_classes)."""
        H = self.embedding(ids).transpose(0, 1)  # (pasos, lote, embed_size)
        for layer in self.layers:
            H = read_padded(layer, self.dropout(H), lengths)  # (pasos, lote, ·)
        if self.pooling == "last":
            states = last_read(self.layers[-1], H, lengths)
        else:
            states = pool(H, lengths, self.pooling)
        return self.output_layer(self.dropout(states))


def recurrent_layer(kind, num_inputs, num_hiddens, bidirectional):
    """Una capa de PyTorch o, si lee en los dos sentidos, dos.

    Dos capas sueltas leen el relleno sin empaquetarlo (véase `read_padded`): dan lo
    mismo que una bidireccional, en una fracción del tiempo de procesador.
    """
    ahead = kind(num_inputs, num_hiddens)
    return Bidirectional(ahead, kind(num_inputs, num_hiddens)) if bidirectional else ahead


def pool(H, lengths, pooling):
    """Un vector por texto a partir de los estados de sus tokens verdaderos.

    Args:
        H: estados (pasos, lote, num_outputs), con ceros en el relleno.
        pooling: `"max"` o `"mean"`.
    """
    if pooling == "max":
        return H.masked_fill(is_padding(lengths, len(H)), -torch.inf).amax(0)
    return H.sum(0) / lengths[:, None]


class BagOfEmbeddings(NeuralClassifier):
    """Bolsa de palabras: la media de los *embeddings*, sin atender al orden.

    Args:
        vocab_size, num_classes: tokens del vocabulario y clases.
        embed_size: tamaño de los *embeddings*.
        dropout: fracción de la media que se apaga al entrenar.
        pad_id: índice del relleno, que no entra en la media.

    Source: Joulin et al. (2017), «Bag of Tricks for Efficient Text Classification».
    """

    saved_as = "BagOfEmbeddings"

    def __init__(self, vocab_size, num_classes, embed_size=100, dropout=0.0, pad_id=1):
        super().__init__(
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
    if cell not in CELLS:
        raise CourseError(f"cell={cell!r}: las celdas que hay son 'gru' y 'lstm'.")
    if pooling not in ("last", "max", "mean"):
        raise CourseError(f"pooling={pooling!r}: puede ser 'last', 'max' o 'mean'.")
