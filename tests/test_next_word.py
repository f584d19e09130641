"""Predecir lo que sigue: embeddings, relleno que no cuenta, y la red que lee un comienzo."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import random_split

from coursekit.data import elman_sentences
from coursekit.errors import CourseError
from coursekit.recurrent import (
    Bidirectional,
    GRUScratch,
    LanguageModel,
    LSTMScratch,
    NextSymbol,
    OneHot,
    RNNScratch,
    Stacked,
    generate,
    read_padded,
    shifted_batch,
    state_gradients,
)
from coursekit.recurrent.padded import last_read
from coursekit.text import Vocab, build_vocab_from_iterator, collate_padded
from coursekit.training import fit, train_epoch

V = 7
BUILDERS = {
    "RNNScratch": lambda n: RNNScratch(n, 5),
    "LSTMScratch": lambda n: LSTMScratch(n, 5),
    "nn.GRU": lambda n: nn.GRU(n, 5, num_layers=2),
    "nn.LSTM bidireccional": lambda n: nn.LSTM(n, 5, num_layers=2, bidirectional=True),
    "Stacked": lambda n: Stacked(GRUScratch(n, 5), GRUScratch(5, 5)),
    "Bidirectional": lambda n: Bidirectional(GRUScratch(n, 5), GRUScratch(n, 5)),
    "Stacked(Bidirectional)": lambda n: Stacked(
        Bidirectional(RNNScratch(n, 5), RNNScratch(n, 5)),
        Bidirectional(RNNScratch(10, 5), RNNScratch(10, 5)),
    ),
}
kinds = pytest.mark.parametrize("kind", BUILDERS)
lengths_of_batches = st.lists(st.integers(1, 6), min_size=1, max_size=5)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def build(kind, num_inputs=V, seed=0):
    torch.manual_seed(seed)
    return BUILDERS[kind](num_inputs)


def random_sequences(lengths, seed=0):
    generator = seeded(seed)
    return [torch.randint(V, (n,), generator=generator) for n in lengths]


# --- Leer con relleno ------------------------------------------------------------------------


@kinds
@settings(max_examples=12, deadline=None)
@given(lengths_of_batches, st.integers(0, 3))
def test_padding_is_never_read(kind, lengths, extra):
    """Cada secuencia, como si estuviera sola; el relleno es ruido."""
    rnn = build(kind)
    alone = [torch.randn(n, 1, V, generator=seeded(n)) for n in lengths]
    batch = torch.randn(max(lengths) + extra, len(lengths), V, generator=seeded(99))
    for row, inputs in enumerate(alone):
        batch[: len(inputs), row] = inputs[:, 0]
    H = read_padded(rnn, batch, torch.tensor(lengths))
    last = last_read(rnn, H, torch.tensor(lengths))
    for row, inputs in enumerate(alone):
        expected, state = rnn(inputs)
        torch.testing.assert_close(H[: len(inputs), row], expected[:, 0])
        assert not H[len(inputs) :, row].any()
        # Lo último que leyó cada dirección de la última capa es su estado final.
        final = (state[0] if isinstance(state, tuple) else state)[-1:]
        if "idirec" in kind:
            final = (state[0] if isinstance(state, tuple) else state)[-2:]
        torch.testing.assert_close(last[row], final.flatten())


@pytest.mark.parametrize("bidirectional", [False, True])
def test_reading_equals_packed_sequences(bidirectional):
    torch.manual_seed(0)
    rnn = nn.GRU(V, 5, bidirectional=bidirectional)
    inputs, lengths = torch.randn(6, 4, V), torch.tensor([3, 6, 1, 3])
    packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths, enforce_sorted=False)
    outputs, state = rnn(packed)
    expected, _ = nn.utils.rnn.pad_packed_sequence(outputs)
    H = read_padded(rnn, inputs, lengths)
    torch.testing.assert_close(H, expected)
    torch.testing.assert_close(last_read(rnn, H, lengths), state.transpose(0, 1).flatten(1))


def test_one_hot_is_an_embedding():
    ids = torch.tensor([[0, 3], [6, 6]])
    identity = nn.Embedding.from_pretrained(torch.eye(V))
    torch.testing.assert_close(OneHot(V)(ids), identity(ids))
    assert OneHot(V).embedding_dim == identity.embedding_dim


# --- LanguageModel con embedding -------------------------------------------------------------


@pytest.mark.parametrize("kind", [RNNScratch, nn.LSTM, GRUScratch])
def test_an_identity_table_is_the_one_hot_model(kind):
    torch.manual_seed(0)
    plain = LanguageModel(kind(V, 6), V)
    table = nn.Embedding.from_pretrained(torch.eye(V))
    model = LanguageModel(plain.rnn, V, table)
    model.output_layer = plain.output_layer
    X = torch.stack(random_sequences([8, 8]))
    torch.testing.assert_close(model(X)[0], plain(X)[0])
    torch.testing.assert_close(model.log_probs(X), plain.log_probs(X))
    gradients = state_gradients(plain, X[:, :-1], X[:, 1:])
    torch.testing.assert_close(state_gradients(model, X[:, :-1], X[:, 1:]), gradients)
    assert set(dict(plain.named_parameters())) == set(dict(model.named_parameters())) - {
        "embedding.weight"
    }


def test_the_table_gives_the_inputs_and_learns():
    torch.manual_seed(0)
    model = LanguageModel(nn.LSTM(3, 6), V, nn.Embedding(V, 3))
    X = torch.stack(random_sequences([5, 5]))
    logits, _ = model(X)
    rows = model.embedding.weight[X]  # (lote, pasos, 3)
    expected = model.output_layer(model.rnn(rows.transpose(0, 1))[0]).transpose(0, 1)
    torch.testing.assert_close(logits, expected)
    logits.sum().backward()
    read = torch.isin(torch.arange(V), X)
    assert model.embedding.weight.grad[read].abs().sum(1).min() > 0
    assert not model.embedding.weight.grad[~read].any()


@pytest.mark.parametrize("rows, size", [(V + 1, 3), (V, 4)])
def test_a_table_that_does_not_fit_is_explained(rows, size):
    with pytest.raises(CourseError, match=rf"\({rows}, {size}\)"):
        LanguageModel(nn.LSTM(3, 6), V, nn.Embedding(rows, size))


# --- Lotes con relleno y B4: los tres saludos ------------------------------------------------


def test_shifted_batches():
    X, Y = shifted_batch([[5, 2, 3, 0], [4, 0]])
    assert X[0].tolist() == [5, 2, 3] and X[1, 0] == 4 and X.min() >= 0
    assert Y.tolist() == [[2, 3, 0], [0, -100, -100]]
    with pytest.raises(CourseError, match=r"\[4\]"):
        shifted_batch([[5, 2], [4]])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(2, 7), min_size=1, max_size=5), st.integers(0, 4))
def test_padding_is_neither_counted_nor_learnt(lengths, extra):
    """La época da la media por símbolo y el paso de una cuenta lenta, frase por frase."""
    torch.manual_seed(0)
    models = [LanguageModel(GRUScratch(V, 5), V)]
    models.append(copy.deepcopy(models[0]))
    sequences = random_sequences(lengths)
    X, Y = shifted_batch(sequences)
    noise = torch.randint(V, (len(X), extra), generator=seeded(1))
    X, Y = torch.cat([X, noise], dim=1), F.pad(Y, (0, extra), value=-100)
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
    found = train_epoch(models[0], [(X, Y)], optimizers[0], clip=1e9)
    losses = [
        F.cross_entropy(models[1](s[None, :-1])[0][0], s[1:], reduction="sum") for s in sequences
    ]
    loss = sum(losses) / sum(n - 1 for n in lengths)
    loss.backward()
    optimizers[1].step()
    assert found == pytest.approx(loss.item(), rel=1e-5)
    for ours, theirs in zip(*(model.parameters() for model in models)):
        torch.testing.assert_close(ours, theirs)


def test_batches_weigh_what_they_predict():
    torch.manual_seed(0)
    model = LanguageModel(GRUScratch(V, 5), V)
    sequences = random_sequences([2, 2, 2, 9])
    batches = [shifted_batch(sequences[:1]), shifted_batch(sequences[1:])]
    still = torch.optim.SGD(model.parameters(), lr=0.0)
    losses = torch.cat([-model.log_probs(s[None])[0] for s in sequences])
    assert train_epoch(model, batches, still) == pytest.approx(losses.mean().item(), rel=1e-5)


GREETINGS = ["hola, ¿qué tal?", "buenos días a todos", "encantada de verte"]
END = "\n"


@pytest.fixture(scope="module")
def greeter():
    vocab = Vocab(sorted({END, *"".join(GREETINGS)}))
    batch = shifted_batch([vocab(list(greeting + END)) for greeting in GREETINGS])
    torch.manual_seed(0)
    model = LanguageModel(RNNScratch(len(vocab), 32), len(vocab))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    history = fit(model, lambda: [batch], optimizer, num_epochs=120, progress=False)
    return model, vocab, history


def test_greetings_are_written_from_their_beginning(greeter):
    model, vocab, history = greeter
    for greeting, prefix in zip(GREETINGS, ["hola", "b", "enc"]):
        assert generate(model, prefix, 30, vocab).split(END)[0] == greeting
    assert history.loss[-1] < 0.05 < history.loss[0]


def test_words_come_back_as_words():
    vocab = Vocab(["buenos", "días", "a", "todos"])
    model = LanguageModel(RNNScratch(4, 5), 4)
    words = generate(model, ["buenos", "días"], 3, vocab)
    assert words[:2] == ["buenos", "días"] and len(words) == 5 and set(words) <= {*vocab.get_itos()}
    with pytest.raises(CourseError, match="«tardes»"):
        generate(model, ["buenas", "tardes"][1:], 3, vocab)
    with pytest.raises(CourseError, match="vacío"):
        generate(model, [], 3, vocab)


def test_next_word_lstm_with_embedding():
    """B3.e3: las frases de la gramática, con su final; casi siempre escribe frases posibles."""
    sentences = elman_sentences(3000, np.random.default_rng(0))
    vocab = build_vocab_from_iterator(sentences, specials=["<fin>"])
    ids = [[0, *vocab(sentence), 0] for sentence in sentences]  # el final abre la frase
    batches = [shifted_batch(ids[i : i + 100]) for i in range(0, 3000, 100)]
    torch.manual_seed(0)
    model = LanguageModel(nn.LSTM(8, 24), len(vocab), nn.Embedding(len(vocab), 8))
    fit(model, lambda: batches, torch.optim.Adam(model.parameters(), lr=0.01), num_epochs=5,
        progress=False)  # fmt: skip
    grammatical = {tuple(s) for s in elman_sentences(20_000, np.random.default_rng(1))}
    generator = seeded(3)
    written = [generate(model, ["<fin>"], 4, vocab, 1.0, generator=generator) for _ in range(100)]
    texts = [tuple(" ".join(words[1:]).split(" <fin>")[0].split()) for words in written]
    assert sum(text in grammatical for text in texts) > 80
    assert len(set(texts)) > 50


# --- NextSymbol: A1, A2 y A4 -----------------------------------------------------------------


@kinds
@settings(max_examples=10, deadline=None)
@given(lengths_of_batches, st.integers(0, 3))
def test_beginnings_are_read_as_if_alone(kind, lengths, extra):
    model = NextSymbol(build(kind), V)
    sequences = random_sequences(lengths)
    X, found = collate_padded(sequences)
    noise = torch.randint(V, (len(X), X.shape[1] + extra), generator=seeded(5))
    noise[:, : X.shape[1]] = torch.where(torch.arange(X.shape[1]) < found[:, None], X, noise[:, : X.shape[1]])
    logits, state = model((noise, found))
    assert logits.shape == (len(lengths), V) and state is None
    for row, sequence in zip(logits, sequences):
        outputs, _ = model.rnn(F.one_hot(sequence, V).float()[:, None])
        half = 5 if "idirec" in kind else None
        read = torch.cat([outputs[-1, 0, :half], outputs[0, 0, half:] if half else outputs[0, 0, :0]])
        slow = read @ model.output_layer.weight.T + model.output_layer.bias
        torch.testing.assert_close(row, slow)


def test_both_directions_read_the_whole_beginning():
    """La mitad que lee hacia atrás cambia si cambia el primer símbolo, y también el último."""
    model = NextSymbol(build("nn.LSTM bidireccional"), V)
    model.output_layer.weight.data[:, :5] = 0  # solo se mira la que va hacia atrás
    X, lengths = collate_padded([[1, 2, 3, 4], [5, 6]])
    before, _ = model((X, lengths))
    for row, step in [(0, 0), (0, 3), (1, 0), (1, 1)]:
        changed = X.clone()
        changed[row, step] = 0
        after, _ = model((changed, lengths))
        assert (after - before)[row].abs().max() > 1e-4
        assert not (after - before)[1 - row].any()


def split(sequences):
    """Lee todo menos el último símbolo y debe decir cuál es."""
    return collate_padded([s[:-1] for s in sequences]), torch.tensor([s[-1] for s in sequences])


@pytest.mark.parametrize("rnn", [RNNScratch, nn.GRU])
def test_the_last_word(rnn):
    """A1: tres frases de tres palabras."""
    sentences = [text.split() for text in ("quiero un perro", "tomo el café", "odio la leche")]
    vocab = build_vocab_from_iterator(sentences)
    batch = split([vocab(sentence) for sentence in sentences])
    torch.manual_seed(0)
    model = NextSymbol(rnn(len(vocab), 5), len(vocab))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    fit(model, lambda: [batch], optimizer, num_epochs=100, progress=False)
    answers = vocab.lookup_tokens(model(batch[0])[0].argmax(1).tolist())
    assert answers == ["perro", "café", "leche"]


def test_the_last_letter_with_embedding():
    """A2: palabras de distinto largo; la última letra, de las anteriores."""
    words = "casa pera cosa mano flor luz voz tren sol pan".split()
    vocab = Vocab(sorted(set("".join(words))))
    (X, lengths), Y = split([vocab(list(word)) for word in words])
    torch.manual_seed(0)
    model = NextSymbol(nn.LSTM(6, 32), len(vocab), nn.Embedding(len(vocab), 6))
    fit(model, lambda: [((X, lengths), Y)], torch.optim.Adam(model.parameters(), lr=0.02),
        num_epochs=80, progress=False)  # fmt: skip
    assert model((X, lengths))[0].argmax(1).equal(Y)
    assert lengths.unique().tolist() == [2, 3]


def test_prefixes_with_a_bidirectional_net_and_validation():
    """A4: cada palabra, de su comienzo; validación aparte, por semilla, y mejores pesos."""
    sentences = elman_sentences(400, np.random.default_rng(0))
    vocab = build_vocab_from_iterator(sentences)
    examples = [vocab(s[:i]) for s in sentences for i in range(2, len(s) + 1)]
    train, held_out = random_split(examples, [0.8, 0.2], seeded())
    assert random_split(examples, [0.8, 0.2], seeded())[1].indices == held_out.indices
    torch.manual_seed(0)
    model = NextSymbol(nn.LSTM(len(vocab), 16, bidirectional=True), len(vocab))
    batch, (X, Y) = split(list(train)), split(list(held_out))

    def validate():
        with torch.no_grad():
            return F.cross_entropy(model(X)[0], Y).item()

    untrained = validate()
    history = fit(model, lambda: [batch], torch.optim.Adam(model.parameters(), lr=0.02),
                  num_epochs=40, validate=validate, patience=5, progress=False)  # fmt: skip
    assert validate() == min(history.validation) < untrained - 1


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: NextSymbol(nn.GRU(V, 5, batch_first=True), V), "batch_first=False"),
        (lambda: NextSymbol(nn.GRU(V + 1, 5), V), f"tamaño {V + 1}"),
        (lambda: NextSymbol(nn.GRU(3, 5), V, nn.Embedding(V - 1, 3)), f"{V - 1} filas"),
        (lambda: NextSymbol(nn.GRU(V, 5), V)((torch.tensor([[9]]), torch.tensor([1]))), "índice 9"),
        (lambda: call_with([2, 3, 1]), r"\(3,\) y el lote tiene 2"),
        (lambda: call_with([0, 3]), "de 0 a 3"),
        (lambda: call_with([2, 4]), "de 2 a 4"),
        (lambda: call_with([2.0, 3.0]), "enteros"),
        (lambda: NextSymbol(nn.GRU(V, 5), V)((torch.zeros(2, 3).long(), [1, 2])), "list"),
    ],
)
def test_wrong_beginnings_are_explained(call, words):
    with pytest.raises(CourseError, match=words):
        call()


def call_with(lengths):
    return NextSymbol(nn.GRU(V, 5), V)((torch.zeros(2, 3).long(), torch.tensor(lengths)))
