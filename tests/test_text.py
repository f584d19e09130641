"""Tokenizadores, vocabulario y secuencias, contra torchtext y contra cuentas hechas aparte."""

import json
import os
import pickle
import re
import subprocess
import sys
import unicodedata
import warnings
from collections import Counter, OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit import text as ct
from coursekit.classification import BucketSampler
from coursekit.errors import CourseError
from coursekit.text import (
    Vocab,
    batches_by_length,
    build_vocab_from_iterator,
    collate_padded,
    spanish,
    windows,
)
from golden.record_torchtext import GOLDEN, replay
from regression import regression

varied = settings(deadline=None, max_examples=60)
RECORDED = json.loads(GOLDEN.read_text("utf-8"))
sizes = st.integers(1, 12)
seeds = st.integers(0, 2**31)
# Todo Unicode, con los signos del español a mano; sin medios caracteres sueltos.
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text("aáÁeñÑnüu¿¡—«»…_-.,'’ \n\t0139\u0301\u0303ºK"),
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- Tokenizadores ---------------------------------------------------------------------------


def test_golden_comes_from_the_real_torchtext():
    assert RECORDED["versions"]["torchtext"].startswith("0.18.0")
    assert len(RECORDED["texts"]) >= 300 and len(RECORDED["vocabs"]) >= 100
    assert GOLDEN.stat().st_size < 200_000


def test_basic_english_as_recorded_from_torchtext():
    for text, tokens in RECORDED["texts"]:
        assert ct.basic_english(text) == tokens, text


def test_get_tokenizer():
    assert ct.get_tokenizer("basic_english")("Hola, mundo") == ["hola", ",", "mundo"]
    assert ct.get_tokenizer(None)("Hola, mundo") == ["Hola,", "mundo"]
    assert ct.get_tokenizer(ct.spanish, language="es") is ct.spanish
    with pytest.raises(CourseError, match="'spacy'"):
        ct.get_tokenizer("spacy")
    with pytest.raises(CourseError, match="'es'.*spanish"):
        ct.get_tokenizer("basic_english", language="es")


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("¿Qué? ¡Ñandú!", ["¿", "qué", "?", "¡", "ñandú", "!"]),
        ("—dijo «él»… pingüino", ["—", "dijo", "«", "él", "»", "…", "pingüino"]),
        ("Vale 3.14, o 1.000,50.", ["vale", "3.14", ",", "o", "1.000,50", "."]),
        ("En 1605, 1615 y 2.º", ["en", "1605", ",", "1615", "y", "2", ".", "º"]),
        ("A\u0301 n\u0303 u\u0308", ["á", "ñ", "ü"]),
        ("mbɨg\u0303", ["mbɨg\u0303"]),
        ("_cursiva_ y franco-prusiano", "_ cursiva _ y franco - prusiano".split()),
        ("", []),
    ],
)
def test_spanish_examples(text, tokens):
    assert ct.spanish(text) == tokens


@varied
@given(texts)
def test_spanish_loses_nothing_but_spaces(text):
    tokens = ct.spanish(text)
    plain = unicodedata.normalize("NFC", text.lower())
    assert "".join(tokens) == "".join(c for c in plain if not c.isspace())
    assert all(token and not any(c.isspace() for c in token) for token in tokens)


@varied
@given(texts)
def test_spanish_words_have_no_punctuation(text):
    for token in ct.spanish(text):
        if len(token) > 1 and not re.fullmatch(r"\d[\d.,]*\d", token):
            assert all(unicodedata.category(c)[0] in "LNM" for c in token), token


def test_letters_example():
    assert "".join(ct.letters("En un LUGAR, de la «Mancha»;  año 1605\n¡Pingu\u0308ino!")) == (
        "en un lugar de la mancha año pingüino "
    )
    assert set(ct.letters("façade à la k")) == set("fade lk")


@varied
@given(texts)
def test_letters_alphabet_and_idempotence(text):
    found = ct.letters(text)
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyzáéíóúüñ ")
    assert "  " not in "".join(found)
    assert ct.letters("".join(found)) == found
    plain = unicodedata.normalize("NFC", text.lower())
    kept = Counter(c for c in plain if c in "abcdefghijklmnopqrstuvwxyzáéíóúüñ")
    assert Counter(c for c in found if c != " ") == kept


@pytest.mark.parametrize("tokenizer", [ct.basic_english, ct.spanish, ct.letters])
def test_tokenizers_want_one_text(tokenizer):
    with pytest.raises(CourseError, match="list"):
        tokenizer(["hola"])


# --- Vocabulario -----------------------------------------------------------------------------


@pytest.mark.parametrize("case", RECORDED["vocabs"], ids=lambda case: str(case["build"]))
def test_vocab_as_recorded_from_torchtext(case):
    assert replay(case, ct.build_vocab_from_iterator) == case["results"]


def test_vocab_keeps_the_given_order():
    frequencies = OrderedDict(mar=1, de=5, la=3)
    assert ct.vocab(frequencies).get_itos() == ["mar", "de", "la"]
    assert ct.vocab(frequencies, 2, ["la"], special_first=False).get_itos() == ["de", "la"]
    assert list(frequencies) == ["mar", "de", "la"]


@varied
@given(st.lists(st.text("abcñ", min_size=1), unique=True))
def test_vocab_goes_there_and_back(tokens):
    vocab = pickle.loads(pickle.dumps(ct.Vocab(tokens)))
    # Lo que devuelve son copias: vaciarlas no cambia el vocabulario.
    vocab.get_itos().clear(), vocab.get_stoi().clear()
    assert vocab(tokens) == list(range(len(tokens)))
    assert vocab.lookup_tokens(vocab(tokens)) == tokens


def test_vocab_errors_are_spanish_and_of_torchtext_type():
    vocab = ct.Vocab(["de", "la"])
    with pytest.raises(RuntimeError, match="'Quijote' no está en el vocabulario") as raised:
        vocab["Quijote"]
    assert isinstance(raised.value, CourseError)
    for wrong in (lambda: vocab[3], lambda: vocab("de la"), lambda: vocab.set_default_index("de")):
        with pytest.raises(TypeError) as raised:
            wrong()
        assert isinstance(raised.value, CourseError)
    vocab.set_default_index(0)
    with pytest.raises(TypeError, match="3.*lookup_token"):
        vocab[3]
    with pytest.raises(CourseError, match="max_tokens=1"):
        ct.build_vocab_from_iterator([["a"]], specials=["<unk>"], max_tokens=1)


def test_migration_page_shows_what_runs():
    page = Path(__file__).parents[1].joinpath("book/referencia/migrar-torchtext.md")
    names, shown = {}, 0
    for block in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        exec(block, names)
        for code, value in re.findall(r"^(\S.*?) +# (\[.*\])$", block, re.MULTILINE):
            assert repr(eval(code, names)) == value
            shown += 1
    assert shown == 3


# --- Secuencias ------------------------------------------------------------------------------


@varied
@given(num_steps=sizes, extra=st.integers(1, 80), seed=st.none() | seeds)
def test_windows_cover_each_symbol_at_most_once(num_steps, extra, seed):
    ids = list(range(num_steps + extra))
    X, Y = ct.windows(ids, num_steps, None if seed is None else generator(seed))
    assert X.shape == Y.shape == (len(X), num_steps) and len(X) >= 1
    assert X.dtype == Y.dtype == torch.long
    # Los índices son las posiciones: el objetivo es siempre la posición siguiente.
    assert torch.equal(Y, X + 1)
    targets = Y.flatten().tolist()
    assert targets == list(range(targets[0], targets[0] + len(targets)))
    # Lo que sobra al comienzo y al final no alcanza para otra ventana.
    assert X[0, 0] < num_steps and len(ids) - 1 - targets[-1] < num_steps
    assert seed is not None or X[0, 0] == 0


@pytest.mark.parametrize("length, num_starts", [(100, 5), (8, 3), (6, 1)])
def test_windows_start_anywhere_equally_often(length, num_starts):
    rng = generator(1)
    starts = Counter(int(ct.windows(range(length), 5, rng)[0][0, 0]) for _ in range(1000))
    assert sorted(starts) == list(range(num_starts))
    expected = 1000 / num_starts
    chi_squared = sum((count - expected) ** 2 / expected for count in starts.values())
    assert chi_squared < 18.5  # p = 0.001 con 4 grados de libertad


@varied
@given(batch_size=sizes, num_steps=sizes, extra=st.integers(1, 80))
def test_streams_restore_the_text(batch_size, num_steps, extra):
    ids = [7 * i for i in range(batch_size + extra)]
    lots = list(ct.streams(ids, batch_size, num_steps))
    for X, Y in lots[:-1]:
        assert X.shape == Y.shape == (batch_size, num_steps)
    assert 1 <= lots[-1][0].shape[1] <= num_steps
    X, Y = (torch.cat(parts, dim=1) for parts in zip(*lots))
    length = (len(ids) - 1) // batch_size
    assert X.flatten().tolist() == ids[: batch_size * length]
    assert Y.flatten().tolist() == ids[1 : batch_size * length + 1]


@varied
@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), sizes, seeds)
def test_batches_by_length_are_a_permutation_of_similar_lengths(lengths, batch_size, seed):
    batches = ct.batches_by_length(lengths, batch_size, generator(seed))
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert sorted(map(len, batches))[1:] == [batch_size] * (len(batches) - 1)
    # Ningún lote tiene dentro de su rango de largos un texto que está en otro.
    spans = sorted((min(ls), max(ls)) for ls in ([lengths[i] for i in b] for b in batches))
    assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:]))


def test_batches_by_length_are_reshuffled():
    rng = generator()
    distinct = [ct.batches_by_length(range(40), 2, rng) for _ in range(2)]
    assert distinct[0] != distinct[1] and sorted(distinct[0]) == sorted(distinct[1])
    assert distinct[0] != sorted(distinct[0])
    tied = [{frozenset(b) for b in ct.batches_by_length([5] * 40, 2, rng)} for _ in range(2)]
    assert tied[0] != tied[1]
    assert ct.batches_by_length([5] * 40, 2, generator(3)) == (
        ct.batches_by_length([5] * 40, 2, generator(3))
    )


@varied
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=9), min_size=1), st.integers(0, 9))
def test_collate_padded_round_trip(sequences, padding_value):
    padded, lengths = ct.collate_padded(sequences, padding_value)
    assert padded.shape == (len(sequences), max(map(len, sequences)))
    assert padded.dtype == lengths.dtype == torch.long
    assert [row[:n] for row, n in zip(padded.tolist(), lengths.tolist())] == sequences
    assert all((row[n:] == padding_value).all() for row, n in zip(padded, lengths.tolist()))


@pytest.mark.parametrize(
    "wrong, words",
    [
        (lambda: ct.windows([1, 2, 3], 3), "3 símbolos.*necesita 4"),
        (lambda: ct.windows([1, 2, 3], 0), "num_steps.*0"),
        (lambda: ct.windows("quijote", 3), "índices enteros"),
        (lambda: ct.windows(list("quijote"), 3), "índices enteros"),
        (lambda: ct.windows([0.5, 1.5, 2.5], 1), "índices enteros"),
        (lambda: ct.windows([[1, 2], [3, 4]], 1), "índices enteros"),
        (lambda: ct.windows([], 1), "0 símbolos"),
        (lambda: ct.streams([1, 2, 3], 3, 1), "3 símbolos.*al menos 4"),
        (lambda: ct.streams([1, 2, 3], -1, 1), "batch_size.*-1"),
        (lambda: ct.streams([1, 2, 3], 1, 0), "num_steps.*0"),
        (lambda: ct.batches_by_length([], 2, generator()), "No hay textos"),
        (lambda: ct.batches_by_length([1], 0, generator()), "batch_size.*0"),
        (lambda: ct.collate_padded([]), "vacío"),
        (lambda: ct.collate_padded([[1], [], [2]]), "secuencia 1"),
    ],
)
def test_sequences_explain_their_errors(wrong, words):
    with pytest.raises(CourseError, match=words):
        wrong()


def test_importing_text_does_not_import_torch():
    code = "import sys, coursekit.text; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ).returncode == 0


def test_sentences_split_at_their_ends_and_keep_only_words():
    text = "—¿Vienes, Lucía? —dijo él—. Son las 3.15; ¡vamos!…"
    assert ct.sentences(text) == [
        ["vienes", "lucía"],
        ["dijo", "él"],
        ["son", "las"],
        ["vamos"],
    ]
    assert ct.sentences("«…»") == []


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def as_one_array(sequences):
    array = np.array(sequences)
    return torch.tensor(array), torch.full((len(array),), array.shape[1])


def padded_without_lengths(sequences):
    longest = max(map(len, sequences))
    padded = torch.tensor([s + [0] * (longest - len(s)) for s in sequences])
    return padded, torch.full((len(sequences),), longest)


@regression(
    ours=collate_padded,
    defective=[as_one_array, padded_without_lengths],
    raises=(AssertionError, ValueError),
)
def test_ragged_sequences_come_back(collate):
    """Defecto: oraciones de distinto largo en un arreglo rectangular."""
    sequences = [[3, 0, 0], [1], [2, 4]]
    padded, lengths = collate(sequences)
    assert [row[:n].tolist() for row, n in zip(padded, lengths)] == sequences


def tensor_of_a_list(arrays):
    return torch.tensor(arrays)


@regression(
    ours=lambda arrays: collate_padded(arrays)[0],
    defective=tensor_of_a_list,
    raises=UserWarning,
)
def test_arrays_become_tensors_quietly(stack):
    """Defecto: tensor desde una lista de arreglos."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert stack([np.arange(3), np.arange(3, 6)]).tolist() == [[0, 1, 2], [3, 4, 5]]


def padded_with_a_token(texts):
    vocab = build_vocab_from_iterator(texts, specials=["<pad>"])
    return collate_padded([vocab(text) for text in texts], vocab["<pad>"])[0], vocab


def padded_with_a_word(texts):
    vocab, longest = build_vocab_from_iterator(texts), max(map(len, texts))
    return torch.tensor([vocab(text) + [0] * (longest - len(text)) for text in texts]), vocab


@regression(ours=padded_with_a_token, defective=padded_with_a_word)
def test_padding_is_no_word(encode_texts):
    """Defecto: relleno con el índice de una palabra."""
    texts = [["la", "casa", "es", "roja"], ["la", "calle"], ["llueve"]]
    padded, vocab = encode_texts(texts)
    found = Counter(vocab.lookup_tokens(padded.flatten().tolist()))
    assert all(found[word] == n for word, n in Counter(sum(texts, [])).items())


def pieces_of_text(ids, num_steps):
    cut = len(ids) * 4 // 5
    return [torch.stack(windows(part, num_steps)) for part in (ids[:cut], ids[cut:])]


def overlapping_at_random(ids, num_steps):
    every = ids.unfold(0, num_steps, 1)
    order = torch.randperm(len(every), generator=torch.Generator().manual_seed(0))
    cut = len(every) * 4 // 5
    return every[order[:cut]], every[order[cut:]]


@regression(ours=pieces_of_text, defective=overlapping_at_random)
def test_test_text_is_unseen(split):
    """Con cada símbolo marcado por su lugar, ninguno está en los dos lados."""
    train, test = split(torch.arange(1000), 16)
    assert not set(train.flatten().tolist()) & set(test.flatten().tolist())


def first_overlapping(ids, num_steps):
    """Ventanas de paso 1: muchas, y casi todas con las mismas letras."""
    return ids.unfold(0, num_steps, 1)[: len(ids) // num_steps]


@regression(ours=lambda ids, num_steps: windows(ids, num_steps)[0], defective=first_overlapping)
def test_windows_cover_the_text(cut):
    """Defecto: 20.480 ventanas que cubren el 1 % del libro."""
    X = cut(torch.arange(10_000), 32)
    assert len(X.unique()) == X.numel() > 0.99 * 10_000


def two_values_or_three(texts):
    tokens = [token for text in texts for token in text]
    return (len(tokens), tokens, Vocab(sorted(set(tokens)))) if tokens else ([], Vocab([]))


@regression(ours=build_vocab_from_iterator, defective=two_values_or_three)
def test_vocabulary_of_nothing(build):
    """Defecto: vocabulario que devuelve 2 valores o 3."""
    nothing, something = build([]), build([["a", "b"]])
    assert type(nothing) is type(something) and len(nothing) == len(something) - 2


def lists_of_windows(ids, num_steps):
    ids = ids.tolist()
    X = [ids[i : i + num_steps] for i in range(0, len(ids) - num_steps, num_steps)]
    return torch.tensor(X), None


@regression(ours=windows, defective=lists_of_windows)
def test_windows_are_views(cut):
    """Las ventanas son el mismo texto visto por trozos: no ocupan más memoria."""
    ids = torch.arange(1000)
    storage = ids.untyped_storage().data_ptr()
    assert cut(ids, 16)[0].untyped_storage().data_ptr() == storage


def by_appearance(texts):
    return Vocab(dict.fromkeys(token for text in texts for token in text.split()))


@regression(
    ours=lambda texts: build_vocab_from_iterator(map(spanish, texts)), defective=by_appearance
)
def test_vocabulary_is_by_frequency(build):
    """Defecto: vocabulario por orden de aparición, con mayúsculas."""
    vocab = build(["No hay sol", "hoy no hay mar", "no llueve"])
    assert vocab.lookup_tokens([0, 1]) == ["no", "hay"] and "No" not in vocab


class CountsExamples:
    """Un repartidor de lotes cuyo largo es el número de ejemplos."""

    def __init__(self, lengths, batch_size, generator):
        self.lengths, self.batch_size = lengths, batch_size

    def __len__(self):
        return len(self.lengths)

    def __iter__(self):
        order = sorted(range(len(self.lengths)), key=lambda i: -self.lengths[i])
        return (order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size))


@regression(ours=[batches_by_length, BucketSampler], defective=CountsExamples)
def test_number_of_batches(share):
    """Con 150 aciertos de 150, la exactitud es 1, y no 1,28."""
    batches = share(range(1, 151), 64, torch.Generator())
    rights = [len(batch) for batch in batches]
    assert sum(rights) == 150 and len(batches) == len(rights) == 3


@regression(ours=[batches_by_length, BucketSampler], defective=CountsExamples)
def test_batches_are_reshuffled(share):
    """Defecto: lotes siempre en el mismo orden."""
    lengths, generator = torch.arange(200) // 10, torch.Generator().manual_seed(0)
    first, second = (list(share(lengths.tolist(), 8, generator)) for _ in "12")
    assert sorted(map(sorted, first)) != sorted(map(sorted, second))
    longest = [int(lengths[batch].max()) for batch in first]
    assert longest != sorted(longest, reverse=True)


class VectorsOrZeros(dict):
    """Lo que no es una palabra también tiene vector: cero."""

    def __missing__(self, key):
        return np.zeros(3)


@regression(
    ours=lambda words: Vocab(words, default_index=0),
    defective=lambda words: VectorsOrZeros({word: np.ones(3) for word in words}),
)
def test_a_number_is_not_a_word(build):
    """Defecto: `glove[0]`, que da ceros, porque un entero no es una palabra."""
    with pytest.raises(TypeError):
        build(["<unk>", "sol"])[0]
