"""El codificador y decodificador: contra cuentas lentas, y lo que se mide de su código."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from coursekit.errors import CourseError
from coursekit.recurrent import (
    Bidirectional,
    EncoderDecoder,
    GRUScratch,
    LSTMScratch,
    NextSymbol,
    RNNScratch,
    Stacked,
    compression,
    interpolate,
    paired_batch,
    quantize,
    sequence_accuracy,
    write,
)
from coursekit.text import collate_padded
from coursekit.training import fit
from regression import regression

V, CODE, END = 6, 3, 0
ENCODERS = {
    "RNNScratch": lambda n: RNNScratch(n, 5),
    "nn.LSTM": lambda n: nn.LSTM(n, 5),
    "nn.GRU bidireccional": lambda n: nn.GRU(n, 5, num_layers=2, bidirectional=True),
    "Bidirectional": lambda n: Bidirectional(LSTMScratch(n, 5), LSTMScratch(n, 5)),
}
DECODERS = {
    "GRUScratch": lambda n: GRUScratch(n, 4),
    "nn.LSTM": lambda n: nn.LSTM(n, 4, num_layers=2),
    "Stacked": lambda n: Stacked(LSTMScratch(n, 4), LSTMScratch(4, 4)),
}
symbols = st.integers(1, V - 1)
sequences = st.lists(st.lists(symbols, min_size=1, max_size=6), min_size=1, max_size=5)
texts = st.lists(st.lists(symbols, max_size=6), min_size=1, max_size=5)


def model_of(encoder="nn.LSTM", decoder="GRUScratch", embedding=None, seed=0):
    torch.manual_seed(seed)
    size = V if embedding is None else embedding.embedding_dim
    nets = ENCODERS[encoder](size), DECODERS[decoder](size + CODE)
    return EncoderDecoder(*nets, V, CODE, END, embedding)


def one_hot(ids):
    return F.one_hot(torch.tensor(ids), V).float()


# --- Leer: el código -------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", ENCODERS)
@settings(max_examples=10, deadline=None)
@given(sequences, st.integers(0, 3))
def test_codes_are_those_of_each_sequence_alone(encoder, texts, extra):
    """El relleno, con ruido, no cambia ningún código; la red lee cada secuencia sola."""
    model = model_of(encoder)
    X, lengths = collate_padded(texts, END)
    noise = torch.randint(V, (len(X), extra), generator=torch.Generator().manual_seed(1))
    X = torch.cat([X, noise], dim=1)
    for row, text in enumerate(texts):
        X[row, len(text) :] = row % V
    codes = model.encode(X, lengths)
    for text, code in zip(texts, codes):
        _, state = model.encoder(one_hot(text)[:, None])
        H = state[0] if isinstance(state, tuple) else state
        directions = 2 if "idirec" in encoder else 1
        final = H[-directions:].flatten()  # las de la última capa
        slow = torch.tanh(model.to_code.weight @ final + model.to_code.bias)
        torch.testing.assert_close(code, slow)


# --- Escribir viendo la verdad ---------------------------------------------------------------


@pytest.mark.parametrize("decoder", DECODERS)
def test_logits_equal_a_slow_loop(decoder):
    """Cada paso lee el símbolo anterior y el código, el mismo siempre."""
    model, texts = model_of(decoder=decoder), [[1, 2, 3], [4], [5, 5]]
    (X, lengths, previous), _ = paired_batch(texts, texts, END)
    logits, _ = model((X, lengths, previous))
    codes = model.encode(X, lengths)
    for row in range(3):
        state = None
        for step in range(previous.shape[1]):
            inputs = torch.cat([one_hot([previous[row, step].item()])[0], codes[row]])
            H, state = model.decoder(inputs[None, None], state)
            slow = model.output_layer(H[0, 0])
            torch.testing.assert_close(logits[row, step], slow)


@pytest.mark.parametrize("decoder", DECODERS)
def test_two_halves_with_the_state_equal_the_whole(decoder):
    model, texts = model_of(decoder=decoder), [[1, 2, 3], [4, 1, 1]]
    (X, lengths, previous), _ = paired_batch(texts, texts, END)
    code = model.encode(X, lengths)
    first, state = model.decode(code, previous[:, :2])
    second, _ = model.decode(code, previous[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), model.decode(code, previous)[0])


def test_the_table_is_read_by_both_nets_and_learns():
    torch.manual_seed(0)
    table = nn.Embedding(V, 2)
    model = model_of("RNNScratch", embedding=table)
    batch, Y = paired_batch([[1, 2]], [[3]], END)  # se lee 1 2 y se escribe 0 3
    F.cross_entropy(model(batch)[0].flatten(0, 1), Y.flatten()).backward()
    read = table.weight.grad.abs().sum(1) > 0
    assert read.tolist() == [True, True, True, True, False, False]


@pytest.mark.parametrize("kind", [EncoderDecoder, NextSymbol])
def test_one_hot_vectors_have_the_type_of_the_net(kind):
    model = model_of() if kind is EncoderDecoder else NextSymbol(nn.LSTM(V, 5), V)
    (X, lengths, previous), _ = paired_batch([[1, 2]], [[1, 2]], END)
    batch = (X, lengths, previous) if kind is EncoderDecoder else (X, lengths)
    single, _ = model(batch)
    double, _ = model.double()(batch)
    assert double.dtype == torch.float64 and "embedding.one" not in model.state_dict()
    torch.testing.assert_close(double.float(), single)


# --- El lote ---------------------------------------------------------------------------------


def test_a_batch_by_hand():
    (X, lengths, previous), Y = paired_batch([[1, 2, 3], [4]], [[2, 3], []], END)
    assert lengths.tolist() == [3, 1] and X[0].tolist() == [1, 2, 3] and X[1, 0] == 4
    assert previous.tolist() == [[0, 2, 3], [0, 0, 0]]
    assert Y.tolist() == [[2, 3, 0], [0, -100, -100]]


@settings(deadline=None)
@given(texts)
def test_batches_keep_every_text_and_count_nothing_else(targets):
    (_, _, previous), Y = paired_batch([[1]] * len(targets), targets, END)
    assert previous.shape == Y.shape
    for target, before, after in zip(targets, previous.tolist(), Y.tolist()):
        size = len(target) + 1
        assert before[:size] == [END, *target] and after[:size] == [*target, END]
        assert set(after[size:]) <= {-100}


# --- Escribir sin la verdad ------------------------------------------------------------------


def slow_writing(model, code, max_symbols):
    """Una secuencia sola; el símbolo anterior es el que ella escribió."""
    written, state = [END], None
    for _ in range(max_symbols):
        inputs = torch.cat([one_hot([written[-1]])[0], code])
        H, state = model.decoder(inputs[None, None], state)
        written.append(model.output_layer(H[0, 0]).argmax().item())
        if written[-1] == END:
            return written[1:-1]
    return written[1:]


@pytest.mark.parametrize("decoder", DECODERS)
def test_writing_equals_a_slow_loop(decoder):
    """Con redes al azar; unos textos acaban en el final y otros, en el largo máximo."""
    sizes = set()
    for seed in range(12):
        model = model_of(decoder=decoder, seed=seed)
        for parameter in model.parameters():
            parameter.data *= 4
        codes = 3 * torch.randn(4, CODE, generator=torch.Generator().manual_seed(seed))
        for max_symbols in (0, 1, 7):
            expected = [slow_writing(model, code, max_symbols) for code in codes]
            assert write(model, codes, max_symbols) == expected
        sizes |= set(map(len, expected))
        assert model.training
    assert 7 in sizes and len(sizes) > 1


@pytest.fixture(scope="module")
def trained():
    """Aprende a escribir ordenado lo que lee: fuente y destino son distintos."""
    torch.manual_seed(0)
    targets = [[1], [2, 3], [1, 4, 5], [3, 5], [2], [1, 2, 3, 4], [4, 5]]
    sources = [sorted(target, reverse=True) for target in targets]
    model = EncoderDecoder(nn.GRU(V, 16), nn.GRU(V + 8, 16), V, 8, END)
    batch, Y = paired_batch(sources, targets, END)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    fit(model, lambda: [(batch, Y)], optimizer, num_epochs=150, progress=False)
    return model, sources, targets


def test_it_learns_to_write_another_text(trained):
    model, sources, targets = trained
    codes = model.encode(*collate_padded(sources, END))
    assert write(model, codes, 10) == targets
    assert sequence_accuracy(write(model, codes, 10), targets) == (1, 1)
    assert sequence_accuracy(write(model, codes, 1), targets)[1] == pytest.approx(2 / 7)


def test_from_one_code_to_another(trained):
    """De un texto a otro por códigos intermedios; los extremos son los dos textos."""
    model, sources, targets = trained
    codes = model.encode(*collate_padded(sources, END)).detach()
    path = interpolate(codes[1], codes[5], 9)
    texts = write(model, path, 10)
    assert texts[0] == targets[1] and texts[-1] == targets[5]
    np.testing.assert_allclose(path, np.linspace(codes[1].numpy(), codes[5].numpy(), 9), atol=1e-6)


# --- Medir -----------------------------------------------------------------------------------


def test_accuracy_by_hand():
    assert sequence_accuracy([[1, 2, 3]], [[1, 2, 3]]) == (1, 1)
    assert sequence_accuracy([[1, 2], [4]], [[1, 3], [4]]) == (2 / 3, 1 / 2)
    assert sequence_accuracy([[1]], [[1, 2]]) == (1 / 2, 0)  # falta uno
    assert sequence_accuracy([[1, 2]], [[1]]) == (1 / 2, 0)  # sobra uno
    assert sequence_accuracy([[2, 1]], [[1, 2]]) == (0, 0)  # los mismos, en otro lugar
    assert sequence_accuracy([[]], [[]]) == (1, 1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(1, 3)), st.lists(st.integers(1, 3))), min_size=1))
def test_accuracy_equals_a_slow_loop(pairs):
    hits = places = whole = 0
    for ours, theirs in pairs:
        whole += ours == theirs
        for i in range(max(len(ours), len(theirs))):
            places += 1
            hits += i < len(ours) and i < len(theirs) and ours[i] == theirs[i]
    expected = hits / places if places else 1, whole / len(pairs)
    assert sequence_accuracy(*zip(*pairs)) == pytest.approx(expected)


def test_compression_by_hand():
    """Dos palabras de tres y cinco letras entre ocho: 4 · 8 números, 4 · 3 bits."""
    in_numbers, in_bits = compression([[1, 2, 3], [1, 2, 3, 4, 5]], 8, 16, bits=4)
    assert in_numbers == 4 * 8 / 16 and in_bits == 4 * 3 / (16 * 4)
    assert compression([[1, 2]], 8, 1)[1] == 2 * 3 / 32


@pytest.mark.parametrize("bits", [1, 2, 5])
def test_quantized_codes(bits):
    """A lo sumo 2^bits valores, cada uno el más cercano: el error es medio escalón."""
    code = torch.cat([torch.linspace(-1, 1, 1001), torch.zeros(1)]).view(2, -1)
    rounded = quantize(code, bits)
    step = 2 / (2**bits - 1)
    levels = torch.arange(2**bits) * step - 1
    torch.testing.assert_close(rounded.unique(), levels, atol=1e-6, rtol=0)
    assert (rounded - code).abs().max() <= step / 2 + 1e-6
    torch.testing.assert_close(quantize(rounded, bits), rounded)


# --- Lo que no puede ser ---------------------------------------------------------------------


def build(encoder, decoder):
    return EncoderDecoder(encoder, decoder, V, CODE)


def encode(X, lengths):
    return model_of().encode(torch.tensor(X), lengths)


def decode(code):
    return model_of().decode(code, torch.zeros(2, 1, dtype=torch.long))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: build(nn.GRU(V, 5), nn.GRU(V, 4)), f"créalo con {V + CODE}"),
        (lambda: build(nn.GRU(V + 1, 5), nn.GRU(V + CODE, 4)), f"tamaño {V + 1}"),
        (lambda: build(nn.GRU(V, 5), nn.GRU(9, 4, bidirectional=True)), "bidireccional"),
        (lambda: build(nn.GRU(V, 5), nn.GRU(9, 4, batch_first=True)), "batch_first"),
        (lambda: build(nn.Linear(V, 5), nn.GRU(9, 4)), "no es una red recurrente"),
        (lambda: encode([[1, V]], torch.tensor([2])), f"índice {V}"),
        (lambda: encode([1, 2], torch.tensor([2])), r"forma \(2,\)"),
        (lambda: encode([[1, 2]], [2]), "list"),
        (lambda: encode([[1, 2]], torch.tensor([0])), "de 0 a 0"),
        (lambda: decode(torch.zeros(2, CODE + 1)), r"\(2, 4\).*\(2, 3\)"),
        (lambda: decode(torch.zeros(1, CODE)), r"\(1, 3\).*\(2, 3\)"),
        (lambda: decode(torch.zeros(CODE)), r"\(3,\).*\(2, 3\)"),
        (lambda: decode((torch.zeros(2, CODE), torch.ones(2))), "tuple"),
        (lambda: write(model_of(), torch.zeros(CODE), 4), r"\(3,\)"),
        (lambda: paired_batch([[1]], []), "1 secuencias que leer y 0"),
        (lambda: paired_batch([], []), "vacío"),
        (lambda: paired_batch([[]], [[1]]), "vacía"),
        (lambda: paired_batch([[1]], [[1, END, 2]]), r"final, 0, .*\[1, 0, 2\]"),
        (lambda: sequence_accuracy([], []), "al menos una"),
        (lambda: sequence_accuracy([[1]], [[1], [2]]), "Hay 1 .* y 2"),
        (lambda: compression([], V, CODE), "0 secuencias"),
        (lambda: compression([[1]], V, 0), "code_size=0"),
        (lambda: quantize(torch.zeros(2), 0), "bits=0"),
    ],
)
def test_what_cannot_be_is_explained(call, words):
    with pytest.raises(CourseError, match=words):
        call()


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def one_vector_for_many(sequences, vocab_size, code_size):
    """«Dos palabras en un solo vector»: no se cuenta lo que mide el vector."""
    return np.mean([len(sequence) for sequence in sequences]), 1.0


@regression(ours=compression, defective=one_vector_for_many)
def test_large_code_does_not_compress(ratio):
    """Un código de 128 números para dos palabras de entre seis es mayor que ellas."""
    assert ratio([[1, 2], [3, 4]], 6, 128)[0] == pytest.approx(2 * 6 / 128)


class HiddenAsOutput(nn.Module):
    """La salida es el estado de la LSTM, entre -1 y 1: nunca llega a un one-hot."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.LSTM(5, 6), nn.LSTM(11, 5)

    def forward(self, batch):
        X, _, previous = batch
        _, (code, _) = self.encoder(F.one_hot(X.T, 5).float())
        inputs = F.one_hot(previous.T, 5).float()
        H, state = self.decoder(torch.cat([inputs, code.expand(len(inputs), -1, -1)], dim=2))
        return H.transpose(0, 1), state


def our_autoencoder():
    return EncoderDecoder(nn.LSTM(5, 6), nn.LSTM(11, 6), vocab_size=5, code_size=6)


@regression(ours=our_autoencoder, defective=HiddenAsOutput)
def test_reconstruction_is_reachable(build):
    """Frases de distinto largo, y una entropía cruzada que puede acercarse a cero."""
    torch.manual_seed(0)
    model, (batch, Y) = build(), paired_batch(*[[[1, 2], [3, 4, 1], [4]]] * 2)
    adam = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(120):
        loss = F.cross_entropy(model(batch)[0].flatten(0, 1), Y.flatten())
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert loss < 0.1


class RepeatedInTheWrongPlace(nn.Module):
    """El código (1, lote, n) se repite en la dimensión del lote, y no en la de los pasos."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.RNN(5, 12, batch_first=True)
        self.decoder = nn.RNN(12, 5, batch_first=True)

    def forward(self, batch):
        X, _, previous = batch
        _, hidden = self.encoder(F.one_hot(X, 5).float())
        return self.decoder(hidden.repeat(1, previous.shape[1], 1))


def stacked_autoencoder():
    encoder = Stacked(LSTMScratch(5, 6), LSTMScratch(6, 6))
    return EncoderDecoder(encoder, nn.LSTM(11, 6, num_layers=2), vocab_size=5, code_size=6)


@regression(ours=[our_autoencoder, stacked_autoencoder], defective=RepeatedInTheWrongPlace)
def test_each_row_has_its_code(build):
    """Tres secuencias juntas dan lo mismo que cada una sola, también con dos capas."""
    model, sequences = build(), [[1, 2, 4], [3, 4, 1], [4, 4, 2]]
    together, _ = model(paired_batch(sequences, sequences)[0])
    assert together.shape == (3, 4, 5)
    for row, sequence in zip(together, sequences):
        alone, _ = model(paired_batch([sequence], [sequence])[0])
        torch.testing.assert_close(alone[0], row)
