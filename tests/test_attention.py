"""Atención: contra la de PyTorch y cuentas lentas, y un alineamiento que se conoce."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent import (
    AdditiveAttention,
    AttentionEncoderDecoder,
    DotAttention,
    GRUScratch,
    LSTMScratch,
    paired_batch,
    write,
)
from coursekit.text import collate_padded
from coursekit.training import fit

V, SIZE, END = 6, 4, 0
lengths_of_batches = st.lists(st.integers(1, 6), min_size=1, max_size=4)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def additive(query_size=SIZE, key_size=SIZE):
    torch.manual_seed(0)
    return AdditiveAttention(query_size, key_size, 5).double()


# --- La atención sola ------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(lengths_of_batches, st.integers(1, 3), st.integers(1, 5), st.integers(0, 2))
def test_dot_attention_is_torchs(lengths, num_queries, size, extra):
    batch, steps = len(lengths), max(lengths) + extra
    queries, keys = normal(batch, num_queries, size), normal(batch, steps, size, seed=1)
    values = normal(batch, steps, 3, seed=2)
    mask = torch.arange(steps) < torch.tensor(lengths)[:, None, None]
    expected = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    mix, weights = DotAttention()(queries, keys, values, torch.tensor(lengths))
    torch.testing.assert_close(mix, expected)
    torch.testing.assert_close(weights.sum(2), torch.ones(batch, num_queries).double())
    assert not weights[~mask.expand_as(weights)].any()


@settings(max_examples=20, deadline=None)
@given(lengths_of_batches, st.integers(1, 3))
def test_additive_attention_is_a_slow_loop(lengths, num_queries):
    attention = additive(2, 3)
    batch, steps = len(lengths), max(lengths)
    queries, keys = normal(batch, num_queries, 2), normal(batch, steps, 3, seed=1)
    values = normal(batch, steps, 4, seed=2)
    mix, weights = attention(queries, keys, values, torch.tensor(lengths))
    W_q, W_k, v = attention.W_q.weight, attention.W_k.weight, attention.v.weight[0]
    for row, length in enumerate(lengths):
        for i in range(num_queries):
            scores = [
                v @ torch.tanh(W_q @ queries[row, i] + W_k @ keys[row, j]) for j in range(length)
            ]
            powers = [score.exp().item() for score in scores]
            slow = sum(power / sum(powers) * values[row, j] for j, power in enumerate(powers))
            torch.testing.assert_close(mix[row, i], slow)
            assert weights[row, i].tolist() == pytest.approx(
                [power / sum(powers) for power in powers] + [0] * (steps - length)
            )


@pytest.mark.parametrize("attention", [DotAttention(), additive()], ids=["dot", "additive"])
def test_padding_is_never_looked_at(attention):
    queries, keys, lengths = normal(2, 3, SIZE), normal(2, 5, SIZE, seed=1), torch.tensor([5, 2])
    before, _ = attention(queries, keys, keys, lengths)
    noisy = keys.clone()
    noisy[1, 2:] = 1e6
    torch.testing.assert_close(attention(queries, noisy, noisy, lengths)[0], before)
    noisy[1, 1] += 1
    assert (attention(queries, noisy, noisy, lengths)[0] - before)[1].abs().min() > 1e-4


@pytest.mark.parametrize("attention", [DotAttention(), additive()], ids=["dot", "additive"])
def test_gradients_are_finite_differences(attention):
    inputs = [normal(2, 3, SIZE), normal(2, 4, SIZE, seed=1), normal(2, 4, 2, seed=2)]
    lengths = torch.tensor([4, 1])
    assert torch.autograd.gradcheck(
        lambda *tensors: attention(*tensors, lengths), [x.requires_grad_() for x in inputs]
    )


def test_scores_do_not_grow_with_the_size():
    """Sin √d, con d = 400 los pesos serían casi de todo o nada."""
    queries, keys = normal(50, 1, 400), normal(50, 6, 400, seed=1)
    _, weights = DotAttention()(queries, keys, keys, torch.full((50,), 6))
    assert weights.max() < 0.9


# --- Con un codificador y un decodificador ---------------------------------------------------

DECODERS = {
    "GRUScratch": lambda n: GRUScratch(n, SIZE),
    "LSTMScratch": lambda n: LSTMScratch(n, SIZE),
    "nn.GRU de dos capas": lambda n: nn.GRU(n, SIZE, num_layers=2),
}


def model_of(decoder="LSTMScratch", attention=None):
    torch.manual_seed(0)
    encoder = nn.LSTM(V, SIZE)
    decoder = DECODERS[decoder](V + SIZE)
    model = AttentionEncoderDecoder(encoder, decoder, V, attention or additive(), END).double()
    for parameter in model.parameters():
        parameter.data *= 3  # que importe qué se mira
    return model


def one_hot(symbol):
    return F.one_hot(torch.tensor(symbol), V).double()


@pytest.mark.parametrize("decoder", DECODERS)
def test_looking_equals_a_slow_loop(decoder):
    """Cada secuencia sola y sin relleno: se mira con la H anterior, y la mezcla se lee."""
    model, texts = model_of(decoder), [[1, 2, 3], [4], [5, 5]]
    (X, lengths, previous), _ = paired_batch(texts, texts, END)
    logits, weights, _ = model.look(model.encode(X, lengths), previous)
    torch.testing.assert_close(model((X, lengths, previous))[0], logits)
    assert weights.shape == (3, 4, 3)
    for row, text in enumerate(texts):
        keys, _ = model.encoder(torch.stack([one_hot(symbol) for symbol in text])[:, None])
        H, state, length = torch.zeros(SIZE).double(), None, torch.tensor([len(text)])
        for step, symbol in enumerate(previous[row].tolist()):
            mix, looked = model.attention(
                H[None, None], keys.transpose(0, 1), keys.transpose(0, 1), length
            )
            inputs = torch.cat([one_hot(symbol), mix[0, 0]])
            outputs, state = model.decoder(inputs[None, None], state)
            H = outputs[0, 0]  # también con dos capas: la de la última
            torch.testing.assert_close(logits[row, step], model.output_layer(H))
            torch.testing.assert_close(weights[row, step, : len(text)], looked[0, 0])


@pytest.mark.parametrize("decoder", DECODERS)
def test_two_halves_with_the_state_equal_the_whole(decoder):
    model, texts = model_of(decoder), [[1, 2, 3], [4, 1, 1]]
    (X, lengths, previous), _ = paired_batch(texts, texts, END)
    memory = model.encode(X, lengths)
    first, state = model.decode(memory, previous[:, :2])
    second, _ = model.decode(memory, previous[:, 2:], state)
    whole, _ = model.decode(memory, previous)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)


def test_it_learns_to_read_backwards_and_shows_it():
    """Escribir al revés: en el paso t hay que mirar el último sin escribir."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    sizes = torch.randint(3, 7, (80,), generator=generator).tolist()
    texts = [torch.randint(1, V, (n,), generator=generator).tolist() for n in sizes]
    backwards = [text[::-1] for text in texts]
    model = AttentionEncoderDecoder(
        nn.GRU(V, 16, bidirectional=True), nn.GRU(V + 32, 24), V, AdditiveAttention(24, 32, 16), END
    )
    batch, Y = paired_batch(texts[:70], backwards[:70], END)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    fit(model, lambda: [(batch, Y)], optimizer, num_epochs=100, progress=False)
    X, lengths = collate_padded(texts[70:], END)
    memory = model.encode(X, lengths)
    written = write(model, memory, 10)
    assert sum(ours == theirs for ours, theirs in zip(written, backwards[70:])) >= 8
    (_, _, previous), _ = paired_batch(texts[70:], backwards[70:], END)
    with torch.no_grad():
        _, weights, _ = model.look(memory, previous)
    looked = [
        weights[row, step].argmax().item() == length - 1 - step
        for row, length in enumerate(lengths.tolist())
        for step in range(length)
    ]
    assert sum(looked) > 0.8 * len(looked)


# --- Lo que no puede ser ---------------------------------------------------------------------


def attend(queries=(2, 3, SIZE), keys=(2, 5, SIZE), values=(2, 5, SIZE), lengths=(5, 1)):
    tensors = [torch.zeros(shape).double() for shape in (queries, keys, values)]
    for attention in (DotAttention(), additive()):
        attention(*tensors, torch.tensor(lengths))


def build(attention, decoder_size=SIZE):
    return AttentionEncoderDecoder(nn.GRU(V, SIZE), nn.GRU(V + SIZE, decoder_size), V, attention)


def decode(memory):
    return model_of().decode(memory, torch.zeros(2, 1, dtype=torch.long))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: attend(queries=(2, SIZE)), "formas"),
        (lambda: attend(queries=(1, 3, SIZE)), "formas"),
        (lambda: attend(keys=(2, 5, SIZE + 1)), "formas"),
        (lambda: attend(values=(2, 4, SIZE)), "formas"),
        (lambda: attend(lengths=(5, 0)), "de 0 a 5"),
        (lambda: attend(lengths=(5, 6)), "de 5 a 6"),
        (lambda: attend(lengths=(5,)), r"\(1,\)"),
        (lambda: build(DotAttention(), SIZE + 1), "producto escalar"),
        (lambda: build(AdditiveAttention(3, SIZE, 5)), r"\(3, 4\).*\(4, 4\)"),
        (lambda: decode(torch.zeros(2, SIZE)), "Tensor"),
        (lambda: decode((torch.zeros(2, 3, SIZE),)), "pareja"),
        (lambda: decode((torch.zeros(3, 3, SIZE).double(), torch.tensor([1, 1, 1]))), "leyó 3"),
    ],
)
def test_what_does_not_fit_is_explained(call, words):
    with pytest.raises(CourseError, match=words):
        call()
