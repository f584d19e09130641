"""De un corpus con etiquetas a lotes de índices, con relleno a la derecha."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from torch.utils.data import DataLoader

from coursekit.data import Corpus
from coursekit.errors import CourseError
from coursekit.text import (
    Vocab,
    basic_english,
    batches_by_length,
    build_vocab_from_iterator,
    collate_padded,
    spanish,
)

UNK, PAD = 0, 1  # índices de <unk> y <pad> en todos los vocabularios de este cuarto
TOKENIZERS = {"basic_english": basic_english, "spanish": spanish}


def split_corpus(
    corpus: Corpus, generator: torch.Generator, validation: float = 0.3
) -> tuple[Corpus, Corpus]:
    """Reparte al azar un corpus en uno de entrenamiento y otro de validación.

    Args:
        generator: de dónde sale el azar; con la misma semilla, el mismo reparto.
        validation: fracción de los documentos que va a la validación.
    Raises:
        CourseError: si falta alguna etiqueta o una de las partes queda vacía.
    """
    check_labels(corpus)
    in_range = 0 < validation < 1  # falso también con NaN
    num_validation = round(validation * len(corpus.documents)) if in_range else 0
    if not 0 < num_validation < len(corpus.documents):
        raise CourseError(
            f"Con validation={validation} y {len(corpus.documents)} documentos, una de "
            "las dos partes queda vacía: usa más documentos u otra fracción."
        )
    order = torch.randperm(len(corpus.documents), generator=generator).tolist()
    parts = order[num_validation:], order[:num_validation]
    train, held_out = (
        replace(
            corpus,
            documents=[corpus.documents[i] for i in part],
            labels=[corpus.labels[i] for i in part],
        )
        for part in parts
    )
    return train, held_out


@dataclass(frozen=True)
class Examples:
    """Textos en índices con su clase: lo que un `DataLoader` llama un *dataset*."""

    ids: list[torch.Tensor] = field(repr=False)  # un vector de índices por texto
    labels: torch.Tensor = field(repr=False)  # (textos,)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.ids[i], self.labels[i]

    @property
    def lengths(self) -> list[int]:
        """Cuántos índices tiene cada texto."""
        return [len(ids) for ids in self.ids]


@dataclass(frozen=True)
class TextReader:
    """Cómo se lee un texto: su tokenizador, su vocabulario y los nombres de las clases.

    Args:
        tokenizer: `"basic_english"` o `"spanish"`.
        vocab: vocabulario que empieza por <unk> y <pad>.
        labels: nombres de las clases, en el orden de sus índices.
        max_length: si se da, se leen los primeros `max_length` tokens.
        ngrams: con 2, las parejas de tokens seguidos son tokens también, y van al
            final; sirve a quien no atiende al orden.
    """

    tokenizer: str
    vocab: Vocab
    labels: tuple[str, ...]
    max_length: int | None = None
    ngrams: int = 1

    def __post_init__(self):
        check_text_reader(self)

    @classmethod
    def from_corpus(
        cls,
        corpus: Corpus,
        tokenizer: str = "basic_english",
        *,
        min_freq: int = 1,
        max_tokens: int | None = None,
        max_length: int | None = None,
        ngrams: int = 1,
    ) -> "TextReader":
        """El lector de un corpus, que ha de ser solo el de entrenamiento.

        Args:
            min_freq: veces que aparece un token para entrar en el vocabulario.
            max_tokens: tamaño máximo del vocabulario, con <unk> y <pad>.
        Raises:
            CourseError: si el corpus está vacío o tiene menos de dos clases.
        """
        labels = class_names(corpus)
        draft = cls(tokenizer, special_vocab(), labels, max_length, ngrams)
        texts = (draft.tokens(text) for text in corpus.documents)
        vocab = build_vocab_from_iterator(
            texts, min_freq, ["<unk>", "<pad>"], max_tokens=max_tokens
        )
        vocab.set_default_index(UNK)
        return replace(draft, vocab=vocab)

    def tokens(self, text: str) -> list[str]:
        """Los tokens de un texto, y sus n-gramas si se piden."""
        tokens = find_tokenizer(self.tokenizer)(text)[: self.max_length]
        runs = [tokens[i:] for i in range(self.ngrams)]
        for size in range(2, self.ngrams + 1):
            tokens = tokens + [" ".join(run) for run in zip(*runs[:size])]
        return tokens

    def encode(self, text: str) -> list[int]:
        """Los índices de un texto; un texto vacío es un solo <unk>."""
        ids = self.vocab(self.tokens(text)) or [UNK]
        # Nadie escribe relleno: un «<pad>» en el texto es una palabra desconocida.
        return [UNK if i == PAD else i for i in ids] if PAD in ids else ids

    def examples(self, corpus: Corpus) -> Examples:
        """Los textos de un corpus y sus clases, en índices.

        Raises:
            CourseError: si está vacío o tiene una etiqueta que el lector no conoce.
        """
        labels = label_ids(corpus, self.labels)
        ids = [torch.tensor(self.encode(text)) for text in corpus.documents]
        return Examples(ids, labels)


class BucketSampler:
    """Lotes de textos de largo parecido, en otro orden y con otros vecinos cada época.

    Args:
        lengths: el largo de cada texto.
        batch_size: textos por lote, al menos 1; el último puede tener menos.
        generator: de dónde sale el azar.
    """

    def __init__(self, lengths, batch_size: int, generator: torch.Generator):
        if batch_size < 1:
            raise CourseError(f"Un lote tiene al menos un texto, no {batch_size}.")
        self.lengths, self.batch_size = lengths, batch_size
        self.generator = generator

    def __iter__(self) -> Iterator[list[int]]:
        return iter(batches_by_length(self.lengths, self.batch_size, self.generator))

    def __len__(self) -> int:
        """Cuántos lotes hay en una época, que no es cuántos textos."""
        return math.ceil(len(self.lengths) / self.batch_size)


def collate(batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Junta parejas (índices, clase) en índices con relleno, largos y clases."""
    texts, labels = zip(*batch)
    ids, lengths = collate_padded(texts, padding_value=PAD)
    return ids, lengths, torch.stack(labels)


def make_loader(
    examples: Examples, batch_size: int, generator: torch.Generator | None = None
) -> DataLoader:
    """Los lotes (índices, largos, clases) de una época; cada época, otros.

    Args:
        generator: de dónde sale el azar; sin él, uno propio de semilla 0.
    """
    generator = generator or torch.Generator().manual_seed(0)
    sampler = BucketSampler(examples.lengths, batch_size, generator)
    return DataLoader(
        examples, batch_sampler=sampler, collate_fn=collate, generator=generator
    )


def find_tokenizer(name: str) -> Callable[[str], list[str]]:
    """El tokenizador que lleva un nombre; por él se guarda.

    Raises:
        CourseError: si no hay ninguno con ese nombre.
    """
    if name not in TOKENIZERS:
        raise CourseError(
            f"No hay un tokenizador llamado {name!r}: los que hay son "
            f"{', '.join(TOKENIZERS)}."
        )
    return TOKENIZERS[name]


def special_vocab() -> Vocab:
    """El vocabulario que solo tiene <unk> y <pad>."""
    return Vocab(["<unk>", "<pad>"], default_index=UNK)


def class_names(corpus: Corpus) -> tuple[str, ...]:
    """Los nombres de las clases de un corpus, en orden alfabético.

    Raises:
        CourseError: si no hay documentos, falta alguna etiqueta o todas son la misma.
    """
    check_labels(corpus)
    names = tuple(sorted(set(corpus.labels)))
    if len(names) < 2:
        raise CourseError(
            f"Todas las etiquetas del corpus «{corpus.name}» son «{names[0]}»: para "
            "clasificar hacen falta al menos dos clases."
        )
    return names


def label_ids(corpus: Corpus, names: tuple[str, ...]) -> torch.Tensor:
    """La clase de cada documento, como índice en `names`.

    Raises:
        CourseError: si el corpus está vacío o tiene una etiqueta que no es de `names`.
    """
    check_labels(corpus)
    number = {label: i for i, label in enumerate(names)}
    if unknown := sorted(set(corpus.labels) - set(names)):
        raise CourseError(
            f"La etiqueta «{unknown[0]}» no estaba en el entrenamiento: las clases son "
            f"{', '.join(names)}."
        )
    return torch.tensor([number[label] for label in corpus.labels])


def check_labels(corpus: Corpus) -> None:
    """Comprueba que cada documento del corpus tenga su etiqueta.

    Raises:
        CourseError: si no hay documentos, o falta o sobra alguna etiqueta.
    """
    if not corpus.documents:
        raise CourseError(f"El corpus «{corpus.name}» no tiene ningún documento.")
    if len(corpus.labels) != len(corpus.documents):
        raise CourseError(
            f"El corpus «{corpus.name}» tiene {len(corpus.documents)} documentos y "
            f"{len(corpus.labels)} etiquetas: para clasificar hace falta una de cada."
        )
    if wrong := [label for label in corpus.labels if not isinstance(label, str)]:
        raise CourseError(f"Las etiquetas deben ser textos, no {wrong[0]!r}.")


def check_text_reader(reader: TextReader) -> None:
    """Comprueba que un lector pueda leer.

    Raises:
        CourseError: si no se conoce el tokenizador, si el vocabulario no empieza por <unk>
            y <pad> o si un tamaño no es positivo.
    """
    find_tokenizer(reader.tokenizer)
    if reader.vocab.get_itos()[:2] != ["<unk>", "<pad>"]:
        raise CourseError(
            "El vocabulario de un clasificador empieza por los tokens <unk> y <pad>, "
            f"y este empieza por {reader.vocab.get_itos()[:2]}."
        )
    if reader.ngrams < 1 or (reader.max_length is not None and reader.max_length < 1):
        raise CourseError(
            f"ngrams={reader.ngrams} y max_length={reader.max_length}: ninguno puede "
            "ser menor que 1."
        )
