"""Los defectos del material de partida, uno por uno: los nuestros no los tienen.

Cada comprobación se pasa dos veces: a nuestro código, que la supera, y a unas líneas con el
defecto, que tienen que fallarla (véase `regression`). Así ninguna prueba pasa por descuido.

Fuente   Qué estaba mal                                     Prueba
A1       el orden de un set() cambia con PYTHONHASHSEED     test_hash_seed_changes_nothing
A1, A3   oraciones de distinto largo                        test_ragged_sequences_come_back
A1       sesgos iniciales de 1                              test_initial_biases_are_small
A2       tensor desde una lista de arreglos                 test_arrays_become_tensors_quietly
A3       salida entre -1 y 1, sin proyección; largo fijo    test_reconstruction_is_reachable
A3       «probabilidades» negativas que no suman 1          test_probabilities_are_probabilities
A3       128 números para dos palabras: no comprime         test_large_code_does_not_compress
A4       relleno con el índice de una palabra               test_padding_is_no_word
A4       salidas[-1] como resumen de una red bidireccional  test_summary_reads_both_ways
A4, C16  modelo de lenguaje bidireccional                   test_language_model_is_one_way
A, B, D  nombres de Python tapados, definiciones repetidas  test_names_are_not_hidden
B1       Skip-gram: gradiente nulo de W1                    test_skipgram_gradient
B1       CBOW: gradiente de W1, 2·ventana veces mayor       test_cbow_gradient
B1       nombres al revés                                   test_skipgram_predicts_the_context
B1       los bordes nunca son objetivo                      test_edges_are_targets
B1       valores iniciales todos positivos                  test_initial_vectors_have_both_signs
B1       pérdida sumada, no media                           test_loss_is_a_mean
B1       muestreo negativo con la softmax entera            test_negative_sampling_reads_few_rows
B1       muestreo negativo que multiplica por cero          test_negatives_are_pushed_away
B1       negativos uniformes                                test_noise_is_unigram_to_three_quarters
B1       probabilidad de descartar negativa                 test_keep_probability_is_one
B1       submuestreo que no deja nada, pérdida 0            test_nothing_left_is_an_error
B1       vocabulario de una palabra: sorteo sin fin         test_one_word_vocabulary_ends
B2       log(0); eps en el denominador                      test_ppmi_is_quiet_and_exact
B2       matriz densa V x V                                 test_ppmi_memory_is_sparse
B2       ventana 3 = «dos palabras a cada lado»             test_window_reaches_its_distance
B2       asociaciones nulas o con la propia palabra         test_associations_are_associations
B2       CBOW que se hace pasar por GloVe                   test_glove_fits_log_counts
B2       «entrenar» desde un corpus: argumentos sin efecto  test_glove_settings_matter
B2       texto leído como binario; corpus como vectores     test_vectors_of_another_format
B2       Pearson en vez de Spearman                         test_similarity_is_of_ranks
B2       palabras fuera del vocabulario, mayúsculas         test_pairs_out_of_the_vocabulary
B3       convención de Z                                    test_update_gate_keeps
B3, C14  R antes o después del producto                     test_gru_is_torchs
B3, C7   estado inicial solo con lote de 1, o ignorado      test_given_state_continues
B3       desconocidas que se borran y juntan a sus vecinas  test_unknown_words_keep_their_place
B3, B4   solo predice el último paso                        test_every_step_is_a_target
B3       bptt_length sin efecto                             test_bptt_length_matters
B3, C5   ventanas solapadas repartidas al azar              test_test_text_is_unseen
A1, E5   validar con lo mismo que se entrena                test_validation_is_unseen
B4       toda la historia releída en cada símbolo           test_generation_carries_the_state
B4, C10  símbolo desconocido o en mayúscula                 test_unknown_symbol_is_explained
B4       siempre el más probable                            test_generation_can_draw
B4       los blancos de relleno se aprenden                 test_padding_is_no_target
B4       .to(device) descartado                             test_data_goes_where_the_model_is
B4.e1    el código repetido en la dimensión del lote        test_each_row_has_its_code
B4.e2    gradiente promediado: el tiempo no se ve           test_gradients_are_seen_by_step
B3.e1    dropout que no llega a lo recurrente               test_dropout_is_recurrent
B4.e3    parada sin los mejores pesos; NaN que no la para   test_early_stopping
B4.e3    evaluar sin eval()                                 test_evaluation_is_repeatable
C11      la perplejidad de prueba era la de entrenamiento   test_perplexity_is_of_the_given_text
C5, C11  20.480 ventanas que cubren el 1 % del libro        test_windows_cover_the_text
C10      la licencia en el corpus, y con ella la k          test_licence_is_cut
C10      vocabulario que devuelve 2 valores o 3             test_vocabulary_of_nothing
C10      lectura que depende de la configuración regional   test_reading_ignores_the_locale
C11      ventanas copiadas a listas de Python               test_windows_are_views
C12      inicio distinto del de torch.nn                    test_initial_spread_is_torchs
C13      redes que envuelven la misma red ya entrenada      test_nets_share_nothing
C15      la misma red en dos capas                          test_one_net_cannot_be_two_layers
C14, E   código y constantes que nadie usa                  test_nothing_is_dead
C6       juegos de adivinanza: 2 y 1,75 bits; 4 y 3,364     test_guessing_games
C13      la tabla de la memoria, al revés                   test_memory_gates
D, E     torchtext, nltk, wget                              test_nothing_dead_is_imported
D2       vocabulario por orden de aparición, con mayúsculas test_vocabulary_is_by_frequency
D3       __len__ que cuenta ejemplos: exactitud de 100,7 %  test_number_of_batches
D3       lotes siempre en el mismo orden                    test_batches_are_reshuffled
D7       el último lote pesa como los demás                 test_loss_weighs_examples
D7       tasa enorme sin recorte                            test_steps_are_clipped
D7       la pérdida acaba en NaN y se da por buena          test_nan_is_explained
E6       glove[0]: un entero no es una palabra              test_a_number_is_not_a_word
D        celdas de ejercicio que no se pueden leer          test_handouts_are_python
D0       etiquetas todas 0; una sola clase                  test_both_classes_are_there
D3       exactitud media de lotes, por 64 y entre N         test_accuracy_is_of_examples
E5       la mejor racha de lotes, y los últimos fuera       test_accuracy_is_of_examples
D4, E3   lo leído tras el relleno                           test_padding_changes_no_prediction
D4       relleno con embedding que se entrena               test_padding_learns_nothing
D5       tamaño de otra red; estados de todas las capas     test_parameters_are_of_this_model
D7       nunca se guardaron los mejores pesos               test_best_weights_are_kept
E1       vocabulario entero: 99 % de los parámetros         test_rare_words_can_be_left_out
E6       palabras sin vector a cero                         test_absent_vectors_are_counted
E6       textos separados en cada lote                      test_texts_are_tokenised_once
"""

import ast
import builtins
import math
import os
import re
import subprocess
import sys
import tempfile
import tracemalloc
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import scipy.sparse as sp
import torch
import torch.nn.functional as F
from scipy.stats import pearsonr, spearmanr
from torch import nn

from coursekit.classification import (
    BagOfEmbeddings,
    BucketSampler,
    RecurrentClassifier,
    TextClassifier,
    TextReader,
    VanillaRNN,
    count_parameters,
    evaluate,
    fill_embedding,
    make_loader,
    split_corpus,
    train_classifier,
    train_classifier_epoch,
)
from coursekit.classification.examples import PAD, TOKENIZERS
from coursekit.data import Corpus, readers
from coursekit.embeddings import (
    GloVe,
    Word2VecScratch,
    associations,
    cbow,
    cooccurrence,
    encode,
    keep_probability,
    load_vectors,
    negative_loss,
    noise_distribution,
    ppmi,
    save_vectors,
    similarity,
    skipgram,
)
from coursekit.embeddings.word2vec_fast import Word2Vec, noise_table
from coursekit.errors import CourseError
from coursekit.ngrams import KneserNey, WittenBell
from coursekit.recurrent import (
    AdditiveAttention,
    Bidirectional,
    EncoderDecoder,
    GRUCell,
    GRUScratch,
    LanguageModel,
    LSTMCell,
    LSTMScratch,
    NextSymbol,
    RNNScratch,
    SimpleRNNCell,
    Stacked,
    Unrolled,
    bptt_logits,
    compression,
    from_torch,
    generate,
    paired_batch,
    state_gradients,
    to_cell,
    to_torch,
    truncation,
)
from coursekit.text import (
    Vocab,
    batches_by_length,
    build_vocab_from_iterator,
    collate_padded,
    letters,
    spanish,
    windows,
)
from coursekit.training import (
    EarlyStopping,
    fit,
    perplexity,
    perplexity_by_stream,
    perplexity_by_window,
    train_epoch,
)

ROOT = Path(__file__).parents[1]
ROOMS = ("text", "data", "training", "embeddings", "ngrams", "recurrent", "classification")
SOURCES = [path for room in ROOMS for path in (ROOT / "coursekit" / room).rglob("*.py")]
SYMBOLS = "abcde"
IDS = torch.randint(5, (203,), generator=torch.Generator().manual_seed(3)).tolist()
FAILED = (AssertionError, pytest.fail.Exception)


def regression(*, ours, defective, raises=FAILED):
    """Hace de `check(candidato)` una prueba por candidato.

    Lo nuestro tiene que pasarla; lo defectuoso, fallarla, y con el error `raises`: si lo
    que falla es otra cosa, la prueba no vale.
    """
    ours, defective = (x if isinstance(x, list) else [x] for x in (ours, defective))

    def decorate(check):
        cases = [(candidate, None) for candidate in ours]
        cases += [(candidate, raises) for candidate in defective]
        names = [f"{'defecto' if error else 'nuestro'}-{name(c)}" for c, error in cases]

        @pytest.mark.parametrize("candidate, error", cases, ids=names)
        def test(candidate, error):
            if error is None:
                check(candidate)
            else:
                with pytest.raises(error):
                    check(candidate)

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate


def name(candidate):
    return getattr(candidate, "__name__", type(candidate).__name__)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def language_model(kind=RNNScratch, num_hiddens=6, **options):
    torch.manual_seed(0)
    model = LanguageModel(kind(len(SYMBOLS), num_hiddens, **options), len(SYMBOLS))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 3  # para que los símbolos no sean casi equiprobables
    return model


def run(program, **env):
    """Lo que escribe un programa de Python en otro proceso, con otras variables de entorno."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **env},
    )  # fmt: skip


# === A =======================================================================================

OUR_PROGRAM = '''
import hashlib

import numpy as np
import torch

from coursekit.classification import RecurrentClassifier, TextReader, make_loader
from coursekit.classification import train_classifier_epoch
from coursekit.data import DATASETS, elman_sentences, load_sample
from coursekit.embeddings import GloVe, cooccurrence, encode, nearest, ppmi, truncated_svd
from coursekit.embeddings.word2vec_fast import Word2Vec
from coursekit.ngrams import KneserNey, WittenBell
from coursekit.recurrent import LanguageModel, LSTMScratch, generate
from coursekit.text import batches_by_length, build_vocab_from_iterator, letters, sentences
from coursekit.text import windows
from coursekit.training import seed_everything, train_epoch


class Descent:
    """Descenso por el gradiente sin torch.optim, que tarda segundos en importarse."""

    def zero_grad(self):
        model.zero_grad()

    def step(self):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= parameter.grad


def show(*values):
    print(hashlib.sha256("".join(map(repr, values)).encode()).hexdigest())


rng, generator = np.random.default_rng(0), seed_everything(0)
torch.set_num_threads(1)
text = load_sample("relato").text[:5_000]
show([load_sample(name).documents for name in ("resenas", "titulares", "intrusos")])
show(list(DATASETS), elman_sentences(200, rng))
words = sentences(text)
vocab = build_vocab_from_iterator(words, specials=["<unk>"])
show(vocab.get_itos())
ids = encode(words, vocab)
counts = cooccurrence(ids, len(vocab))
show(ppmi(counts).indices.tolist(), ppmi(counts).data.tolist())
vectors = truncated_svd(ppmi(counts), 10)
show(vectors.tolist(), nearest(vocab.lookup_token(5), vectors, vocab))
model = Word2Vec(len(vocab), 10, rng=rng)
show(model.fit(ids, 1), model.W_in.tolist())
model = GloVe(len(vocab), 10, num_groups=4, rng=rng)
show(model.fit(counts, 2), model.vectors.tolist())
symbols = build_vocab_from_iterator(letters(text))
chars = symbols(letters(text))
for kind in (WittenBell, KneserNey):
    show(kind(4, len(symbols)).fit(chars[:3000]).log_probs([chars[3000:3200]]).tolist())
show(batches_by_length([len(s) for s in words], 8, generator))
model = LanguageModel(LSTMScratch(len(symbols), 8), len(symbols))
show(train_epoch(model, [windows(chars[:2000], 16, generator)] * 2, Descent()))
show(generate(model, "el ", 30, symbols, 1.0, generator=generator))
corpus = load_sample("resenas")
reader = TextReader.from_corpus(corpus, "spanish", min_freq=2)
show(reader.vocab.get_itos(), reader.labels)
model = RecurrentClassifier(len(reader.vocab), len(reader.labels), "lstm", 4, 4, 1)
loader = make_loader(reader.examples(corpus), 8, generator)
show(train_classifier_epoch(model, loader, Descent()))
'''
SET_PROGRAM = "print(list(set('yo quiero un café con leche y tú quieres otro'.split())))"


@regression(ours=OUR_PROGRAM, defective=SET_PROGRAM)
def test_hash_seed_changes_nothing(program):
    """Corpus, vocabulario, vectores, n-gramas y redes, en dos procesos con otra semilla."""
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda seed: run(program, PYTHONHASHSEED=seed), "01"))
    assert not any(result.returncode for result in results), results[0].stderr.decode()
    assert results[0].stdout and results[0].stdout == results[1].stdout


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
    sequences = [[3, 0, 0], [1], [2, 4]]
    padded, lengths = collate(sequences)
    assert [row[:n].tolist() for row, n in zip(padded, lengths)] == sequences


def bias_of_ones():
    rnn = RNNScratch(5, 16)
    nn.init.ones_(rnn.b_h)
    return rnn


@regression(
    ours=[
        lambda: RNNScratch(5, 16, sigma=0.01),
        lambda: LSTMScratch(5, 16),
        lambda: GRUScratch(5, 16),
        lambda: LanguageModel(RNNScratch(5, 16), 5),
    ],
    defective=bias_of_ones,
)
def test_initial_biases_are_small(build):
    for parameter in build().parameters():
        assert parameter.dim() > 1 or parameter.abs().max() <= 16**-0.5


def tensor_of_a_list(arrays):
    return torch.tensor(arrays)


@regression(
    ours=lambda arrays: collate_padded(arrays)[0],
    defective=tensor_of_a_list,
    raises=UserWarning,
)
def test_arrays_become_tensors_quietly(stack):
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
    texts = [["la", "casa", "es", "roja"], ["la", "calle"], ["llueve"]]
    padded, vocab = encode_texts(texts)
    found = Counter(vocab.lookup_tokens(padded.flatten().tolist()))
    assert all(found[word] == n for word, n in Counter(sum(texts, [])).items())


def two_way_net():
    torch.manual_seed(0)
    return Bidirectional(LSTMScratch(4, 5), LSTMScratch(4, 5))


def final_states(X):
    _, (H, _) = two_way_net()(X)
    return H[0], H[1]


def last_outputs(X):
    outputs, _ = two_way_net()(X)
    return outputs[-1].chunk(2, dim=1)


@regression(ours=final_states, defective=last_outputs)
def test_summary_reads_both_ways(summary):
    """El resumen de cada dirección cambia si cambia lo anterior al último paso."""
    X, other = normal(6, 2, 4), normal(6, 2, 4)
    other[:-1] += 1
    for half, other_half in zip(summary(X), summary(other)):
        assert (half - other_half).abs().max() > 1e-3


class UncheckedLanguageModel(nn.Module):
    """Un modelo de lenguaje sobre cualquier red, también una que ve lo que sigue."""

    def __init__(self, rnn, vocab_size):
        super().__init__()
        self.rnn = rnn


@regression(ours=LanguageModel, defective=UncheckedLanguageModel)
def test_language_model_is_one_way(model):
    for two_way in (
        nn.LSTM(5, 4, bidirectional=True),
        Bidirectional(RNNScratch(5, 4), RNNScratch(5, 4)),
        Stacked(Bidirectional(GRUScratch(5, 4), GRUScratch(5, 4)), GRUScratch(8, 4)),
    ):
        with pytest.raises(CourseError, match="bidireccional"):
            model(two_way, 5)


def our_sources():
    return [path.read_text("utf-8") for path in SOURCES]


def hidden_builtin():
    return ["def forward(self, input):\n    return input"]


def defined_twice():
    return ["def count_parameters():\n    return 1\ndef count_parameters():\n    return 2"]


def hidden_function():
    return ["loss = 1\ndef train(model):\n    loss = model()\n    return loss"]


@regression(ours=our_sources, defective=[hidden_builtin, defined_twice, hidden_function])
def test_names_are_not_hidden(sources):
    """Ningún nombre tapa uno de Python o del módulo, y nada se define dos veces."""
    for tree in map(ast.parse, sources()):
        nodes = list(ast.walk(tree))
        local = [n.arg for n in nodes if isinstance(n, ast.arg)]
        local += [n.id for f in nodes if isinstance(f, ast.FunctionDef) for n in ast.walk(f)
                  if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]  # fmt: skip
        assert not [n for n in local if hasattr(builtins, n)]
        assigned = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets
                    if isinstance(t, ast.Name)}  # fmt: skip
        assert not assigned & set(local)
        for node in nodes:
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                defined = [n.name for n in node.body
                           if isinstance(n, (ast.ClassDef, ast.FunctionDef))
                           and not n.decorator_list]  # fmt: skip
                assert len(defined) == len(set(defined))


# === B: vectores de palabra ==================================================================

V, DIM = 7, 4


def tables(seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(V, DIM)), rng.normal(size=(V, DIM))


def our_word2vec_step(W_in, W_out, inputs, target):
    """El gradiente que usa `step`: lo que se mueven las tablas con tasa 1."""
    model = Word2VecScratch(V, DIM, num_negatives=0, rng=np.random.default_rng(0))
    model.W_in, model.W_out = W_in.copy(), W_out.copy()
    loss = model.step(inputs, target, None, lr=1.0)
    return loss, W_in - model.W_in


def softmax_error(W_in, W_out, inputs, target):
    h = W_in[inputs].mean(axis=0)
    p = np.exp(W_out @ h) / np.exp(W_out @ h).sum()
    return -np.log(p[target]), p - np.eye(V)[target]


def error_summed_before_the_product(W_in, W_out, inputs, target):
    """La suma de los errores de una softmax es cero: el gradiente también."""
    loss, e = softmax_error(W_in, W_out, inputs, target)
    gradient = np.zeros_like(W_in)
    gradient[inputs] = np.outer(e, W_out[target]).sum(axis=0)
    return loss, gradient


def gradient_not_divided(W_in, W_out, inputs, target):
    """La media del contexto se deriva como si fuera una suma."""
    loss, e = softmax_error(W_in, W_out, inputs, target)
    gradient = np.zeros_like(W_in)
    gradient[inputs] = W_out.T @ e
    return loss, gradient


def assert_input_gradient(step, inputs):
    W_in, W_out = tables()
    numeric, eps = np.zeros_like(W_in), 1e-5
    for place in np.ndindex(W_in.shape):
        change = np.zeros_like(W_in)
        change[place] = eps
        up, down = (step(W, W_out, inputs, 4)[0] for W in (W_in + change, W_in - change))
        numeric[place] = (up - down) / (2 * eps)
    np.testing.assert_allclose(step(W_in, W_out, inputs, 4)[1], numeric, atol=1e-8)


@regression(ours=our_word2vec_step, defective=error_summed_before_the_product)
def test_skipgram_gradient(step):
    assert_input_gradient(step, [2])


@regression(ours=our_word2vec_step, defective=gradient_not_divided)
def test_cbow_gradient(step):
    assert_input_gradient(step, [0, 1, 5, 6])


def context_predicts_the_centre(sentence, window, rng):
    return ((inputs_of, [target]) for [target], inputs_of in skipgram(sentence, window, rng))


@regression(ours=skipgram, defective=context_predicts_the_centre)
def test_skipgram_predicts_the_context(examples):
    """La palabra cuyo radio se sorteó es la entrada, no el objetivo."""
    dice = SimpleNamespace(integers=lambda low, high, left=iter([1, 3, 1, 1, 1]): next(left))
    inputs = Counter(str(inputs).strip("[]") for inputs, _ in examples(list("abcde"), 3, dice))
    assert inputs["'b'"] == 4 and inputs["'e'"] == 1


def only_full_windows(sentence, window, rng):
    for i in range(window, len(sentence) - window):
        yield [*sentence[i - window : i], *sentence[i + 1 : i + window + 1]], sentence[i]


@regression(ours=[skipgram, cbow], defective=only_full_windows)
def test_edges_are_targets(examples):
    pairs = examples(list(range(11)), 2, np.random.default_rng(0))
    assert {target for _, target in pairs} == set(range(11))


def uniform_from_zero_to_one(rng):
    return rng.random((50, 20))


@regression(
    ours=[
        lambda rng: Word2VecScratch(50, 20, rng=rng).W_in,
        lambda rng: Word2Vec(50, 20, rng=rng).W_in,
        lambda rng: GloVe(50, 20, rng=rng).W,
    ],
    defective=uniform_from_zero_to_one,
)
def test_initial_vectors_have_both_signs(start):
    assert 0.4 < (start(np.random.default_rng(0)) < 0).mean() < 0.6


def slow_loss(sentences):
    model = Word2VecScratch(V, DIM, num_negatives=4, rng=np.random.default_rng(0))
    return model.fit(sentences, 1, lr=0)[0]


def fast_loss(sentences):
    model = Word2Vec(V, DIM, num_negatives=4, sample=0, rng=np.random.default_rng(0))
    return model.fit(sentences, 1, lr=0)[0]


def summed_loss(sentences):
    pairs = [pair for s in sentences for pair in skipgram(s, 5, np.random.default_rng(0))]
    return slow_loss(sentences) * len(pairs)


@regression(ours=[slow_loss, fast_loss], defective=summed_loss)
def test_loss_is_a_mean(loss):
    """Al comenzar, (1 + negativos) · log 2, sea cual sea el largo del corpus."""
    for repeats in (1, 3):
        assert loss([[0, 1, 2, 3, 4, 5, 6]] * repeats) == pytest.approx(5 * math.log(2))


def masked_softmax(W_in, W_out, inputs, target, negatives):
    """La softmax de todo el vocabulario, calculada y luego tapada."""
    loss, e = softmax_error(W_in, W_out, inputs, target)
    rows = np.array([target, *negatives])
    return loss, W_out[rows].T @ e[rows], rows, np.outer(e[rows], W_in[inputs].mean(axis=0))


@regression(ours=negative_loss, defective=masked_softmax)
def test_negative_sampling_reads_few_rows(loss):
    """Con las demás filas a NaN, si se lee alguna se nota."""
    W_in, W_out = tables()
    W_out[[0, 1, 2]] = np.nan
    result = loss(W_in, W_out, [2], 4, [3, 5, 6])
    assert all(np.isfinite(part).all() for part in result)


def our_negative_step(W_in, W_out, negatives):
    model = Word2VecScratch(V, DIM, num_negatives=2, rng=np.random.default_rng(0))
    model.W_in, model.W_out = W_in.copy(), W_out.copy()
    model.rng = SimpleNamespace(choice=lambda *_, **__: negatives)
    model.step([2], 4, np.full(V, 1 / V), lr=0.1)
    return model.W_out


def updates_times_zero(W_in, W_out, negatives):
    e = 1 / (1 + np.exp(-W_out[negatives] @ W_in[2]))
    after = W_out.copy()
    after[negatives] -= 0.1 * np.zeros_like(e)[:, None] * W_in[2]
    return after


@regression(ours=our_negative_step, defective=updates_times_zero)
def test_negatives_are_pushed_away(step):
    W_in, W_out = tables()
    negatives = np.array([0, 6])
    after = step(W_in, W_out, negatives)
    assert (after[negatives] @ W_in[2] < W_out[negatives] @ W_in[2] - 1e-3).all()


def uniform_noise(counts):
    return np.full(len(counts), 1 / len(counts))


def unigram_noise(counts):
    return counts / counts.sum()


@regression(
    ours=[noise_distribution, lambda c: np.bincount(noise_table(c)) / len(noise_table(c))],
    defective=[uniform_noise, unigram_noise],
)
def test_noise_is_unigram_to_three_quarters(noise):
    counts = np.array([1600, 256, 81, 16, 1])
    weights = [1600**0.75, 64, 27, 8, 1]  # 256 = 4⁴, 81 = 3⁴, 16 = 2⁴
    np.testing.assert_allclose(noise(counts), np.array(weights) / sum(weights), atol=2e-3)


def unclamped(counts, sample):
    return np.sqrt(sample * counts.sum() / counts)


@regression(ours=keep_probability, defective=unclamped)
def test_keep_probability_is_one(keep):
    """Con frecuencia 1e-4 y umbral 1e-3, descartar tendría probabilidad -2,16."""
    p = keep(np.array([1, 9_999]), 1e-3)
    assert p[0] == 1 and 0 < p[1] < 0.1


def slow_fit(sentences, sample):
    return Word2VecScratch(11, sample=sample, dim=3, rng=np.random.default_rng(0)).fit(sentences)


def fast_fit(sentences, sample):
    return Word2Vec(11, sample=sample, dim=3, rng=np.random.default_rng(0)).fit(sentences)


def silent_fit(sentences, sample):
    """Con cero ejemplos la pérdida es la suma de nada."""
    keep = np.sqrt(sample * 11)
    kept = [[w for w in s if np.random.default_rng(0).random() < keep] for s in sentences]
    return [float(sum(len(s) for s in kept if len(s) > 1))] * 100


@regression(ours=[slow_fit, fast_fit], defective=silent_fit)
def test_nothing_left_is_an_error(train):
    with pytest.raises(CourseError, match="ningún ejemplo"):
        train([range(11)], 1e-9)


class ImpatientDice:
    """Un azar que se cansa: con mil sorteos para un paso, el bucle no tiene fin."""

    def __init__(self):
        self.rng, self.left = np.random.default_rng(0), 1000

    def choice(self, *args, **options):
        self.left -= 1
        assert self.left, "sorteo sin fin"
        return self.rng.choice(*args, **options)


def our_step_of_one_word(dice):
    model = Word2VecScratch(1, DIM, rng=np.random.default_rng(0))
    model.rng = dice
    return model.step([0], 0, np.ones(1), lr=0.1)


def draw_until_different(dice):
    negatives = []
    while len(negatives) < 5:
        word = dice.choice(1)
        if word != 0:
            negatives.append(word)


@regression(ours=our_step_of_one_word, defective=draw_until_different)
def test_one_word_vocabulary_ends(step):
    assert np.isfinite(step(ImpatientDice()))


# --- Coocurrencia, PPMI y GloVe ---


def log_of_zero(counts):
    P = counts.toarray() / counts.sum()
    pmi = np.log2(P / (P.sum(1, keepdims=True) * P.sum(0)))
    return np.maximum(pmi, 0)


def eps_in_the_denominator(counts):
    P = counts.toarray() / counts.sum()
    with np.errstate(divide="ignore"):
        return np.maximum(np.log2(P / (P.sum(1, keepdims=True) * P.sum(0) + 1e-10)), 0)


@regression(
    ours=lambda counts: ppmi(counts).toarray(),
    defective=[log_of_zero, eps_in_the_denominator],
    raises=(AssertionError, RuntimeWarning),
)
def test_ppmi_is_quiet_and_exact(measure):
    """Dos palabras que se ven una vez, juntas, entre un millón de otras parejas."""
    n = 10**6 - 2
    counts = sp.csr_array(np.array([[0, 1, 0], [1, 0, 0], [0, 0, n]]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = measure(counts)
    assert values[0, 1] == pytest.approx(math.log2(10**6), abs=1e-9)
    assert values[0, 0] == values[0, 2] == 0


def dense_counts(sentences, vocab_size):
    counts = np.zeros((vocab_size, vocab_size))
    for s in sentences:
        for i, j in zip(s, s[1:]):
            counts[i, j] += 1
            counts[j, i] += 1
    return counts


@regression(
    ours=lambda sentences, V: ppmi(cooccurrence(sentences, V, window=1)),
    defective=dense_counts,
)
def test_ppmi_memory_is_sparse(build):
    """2.000 tipos: densa, 32 MB."""
    ids = np.random.default_rng(0).integers(2000, size=(50, 20))
    tracemalloc.start()
    build(ids, 2000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


def window_with_the_word_inside(sentences, vocab_size, window):
    """Lo que decía la prosa: la ventana 3 son dos palabras a cada lado."""
    return cooccurrence(sentences, vocab_size, max(window - 1, 1))


@regression(ours=cooccurrence, defective=window_with_the_word_inside)
def test_window_reaches_its_distance(count):
    for window in (1, 3, 5):
        first = count([range(9)], 9, window=window).toarray()[0]
        assert np.flatnonzero(first).tolist() == list(range(1, window + 1))


def first_of_the_row(word, matrix, vocab, k):
    """Los primeros de la fila, y la propia palabra se salta solo si cae entre ellos."""
    row = matrix.toarray()[vocab[word]]
    best = np.argsort(-row, kind="stable")[: k + 1]
    return [(vocab.lookup_token(i), row[i]) for i in best.tolist() if i != vocab[word]]


def only_without_zeros(word, matrix, vocab, k):
    row = matrix.toarray()[vocab[word]]
    best = [i for i in np.argsort(-row, kind="stable").tolist() if row[i] > 0][:k]
    return [(vocab.lookup_token(i), row[i]) for i in best]


@regression(ours=associations, defective=[first_of_the_row, only_without_zeros])
def test_associations_are_associations(search):
    vocab = Vocab("abcdef")
    matrix = sp.csr_array(np.array([[4.0, 2, 0, 1, 3, 0.5], [2, 0, 0, 0, 0, 0]] + [[0] * 6] * 4))
    assert [w for w, _ in search("a", matrix, vocab, 3)] == ["e", "b", "d"]
    assert [w for w, _ in search("b", matrix, vocab, 3)] == ["a"]


def log_count_data():
    rng = np.random.default_rng(0)
    sentences = rng.choice(12, size=(300, 8), p=np.arange(12, 0, -1) / 78)
    return sentences, cooccurrence(sentences, 12)


def our_glove(sentences, counts):
    model = GloVe(12, 12, num_groups=2, rng=np.random.default_rng(0))
    model.fit(counts, num_epochs=200, x_max=1)
    return model.W @ model.C.T + model.b[:, None] + model.c


def cbow_called_glove(sentences, counts):
    model = Word2Vec(12, 12, cbow, 2, sample=0, rng=np.random.default_rng(0))
    model.fit(sentences, num_epochs=3)
    return model.W_in @ model.W_out.T


@regression(ours=our_glove, defective=cbow_called_glove)
def test_glove_fits_log_counts(train):
    sentences, counts = log_count_data()
    dense = counts.toarray()
    seen = dense > 0
    assert np.abs(train(sentences, counts)[seen] - np.log(dense[seen])).mean() < 0.1


def our_glove_of(counts, dim, num_epochs):
    model = GloVe(12, dim, num_groups=2, rng=np.random.default_rng(0))
    return model.fit(counts, num_epochs), model.vectors


def settings_ignored(counts, dim, num_epochs):
    return our_glove_of(counts, 50, 5)


@regression(ours=our_glove_of, defective=settings_ignored)
def test_glove_settings_matter(train):
    _, counts = log_count_data()
    (short, small), (long, large) = train(counts, 3, 2), train(counts, 9, 4)
    assert (len(short), len(long)) == (2, 4)
    assert (small.shape, large.shape) == ((12, 3), (12, 9))


def read_anything(path, binary):
    """Un lector que no mira qué le dan: tantos bytes por palabra, y adelante."""
    raw = Path(path).read_bytes()
    if not binary:
        rows = [line.split() for line in raw.decode(errors="replace").split("\n") if line]
        return [row[0] for row in rows], [row[1:] for row in rows]
    header, _, body = raw.partition(b"\n")
    num_rows, dim = map(int, header.split())
    words, place = [], 0
    for _ in range(num_rows):
        space = body.find(b" ", place)
        words.append(body[place:space].decode(errors="replace"))
        place = space + 1 + 4 * dim
    return words, None


@regression(ours=load_vectors, defective=read_anything)
def test_vectors_of_another_format(load):
    """Un texto leído como binario, al revés, y un corpus que no es de vectores."""
    vectors, vocab = normal(4, 3).numpy(), Vocab(["el", "sistema", "solar", "gira"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectores"
        for binary in (True, False):
            save_vectors(path, vectors, vocab, binary=binary)
            with pytest.raises(CourseError):
                load(path, binary=not binary)
        path.write_text("el sol sale hoy\nla luna no sale\n", "utf-8")
        with pytest.raises(CourseError):
            load(path, binary=False)


# --- Evaluación ---


def pairs_and_vectors(extra=0):
    """25 parejas con notas muy desiguales y vectores en el plano; `extra`, sin vector."""
    rng = np.random.default_rng(0)
    vocab = Vocab([f"w{i}" for i in range(50)])
    vectors = rng.normal(size=(50, 2))
    firsts = [f"W{i}" if i % 2 else f"w{i}" for i in range(25)]
    pairs = [(w, f"w{i + 25}", float(np.exp(rng.normal() * 3))) for i, w in enumerate(firsts)]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = (unit[:25] * unit[25:]).sum(axis=1)
    return pairs + [("nadie", f"w{i}", 1e3) for i in range(extra)], vectors, vocab, cosines


def our_similarity(pairs, vectors, vocab):
    result = similarity(pairs, vectors, vocab, np.random.default_rng(0))
    return result.spearman, result.coverage


def slow_similarity(pairs, vectors, vocab, measure, known):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    words = [tuple(map(known, pair[:2])) for pair in pairs]
    rows = [[unit[vocab[w]] if w in vocab else np.zeros(2) for w in pair] for pair in words]
    rho = measure([first @ second for first, second in rows], [pair[2] for pair in pairs])[0]
    return rho, np.mean([first in vocab and second in vocab for first, second in words])


def pearson_first(pairs, vectors, vocab):
    return slow_similarity(pairs, vectors, vocab, pearsonr, str.lower)


def absent_words_as_zeros(pairs, vectors, vocab):
    return slow_similarity(pairs, vectors, vocab, spearmanr, str.lower)


def case_kept(pairs, vectors, vocab):
    return slow_similarity(pairs, vectors, vocab, spearmanr, str)


@regression(ours=our_similarity, defective=pearson_first)
def test_similarity_is_of_ranks(measure):
    pairs, vectors, vocab, cosines = pairs_and_vectors()
    expected = spearmanr(cosines, [score for *_, score in pairs]).statistic
    assert measure(pairs, vectors, vocab)[0] == pytest.approx(expected)


@regression(
    ours=our_similarity, defective=[absent_words_as_zeros, case_kept]
)
def test_pairs_out_of_the_vocabulary(measure):
    """Lo que falta se dice y no cuenta; «W1» y «w1» son la misma palabra."""
    pairs, vectors, vocab, cosines = pairs_and_vectors(extra=25)
    expected = spearmanr(cosines, [score for *_, score in pairs[:25]]).statistic
    assert measure(pairs, vectors, vocab) == (pytest.approx(expected), 0.5)


# === B: redes ================================================================================


def gate_of(kind):
    def step(Z, old):
        """La GRU con el candidato a 0 y Z fija: lo que queda del estado anterior."""
        rnn = kind()
        for parameter in rnn.parameters():
            nn.init.zeros_(parameter)
        bias = rnn.cell.gates.bias if isinstance(rnn, Unrolled) else rnn.b_h
        with torch.no_grad():
            bias[1] = math.log(Z / (1 - Z))
        return rnn(torch.zeros(1, 1, 1), torch.full((1, 1, 1), old))[0].item()

    step.__name__ = kind.__name__
    return step


def scratch_gru():
    return GRUScratch(1, 1)


def original_gru():
    return GRUScratch(1, 1, reset_after=False)


def concatenated_gru():
    return Unrolled(GRUCell(1, 1))


def z_multiplies_the_new(Z, old):
    return (1 - Z) * old


@regression(
    ours=[gate_of(kind) for kind in (scratch_gru, original_gru, concatenated_gru)],
    defective=z_multiplies_the_new,
)
def test_update_gate_keeps(step):
    """Z decide cuánto se conserva: con 0,9 quedan nueve décimas."""
    assert step(0.9, 0.5) == pytest.approx(0.45, abs=1e-6)


def reset_before(rnn):
    """Los mismos pesos con R antes del producto H W_hn."""
    ours = GRUScratch(rnn.input_size, rnn.hidden_size, reset_after=False)
    after = from_torch(rnn)
    ours.load_state_dict({k: v for k, v in after.state_dict().items() if k != "b_n"})
    with torch.no_grad():
        ours.b_h[-rnn.hidden_size :] += after.b_n
    return ours


@regression(ours=from_torch, defective=reset_before)
def test_gru_is_torchs(copy):
    torch.manual_seed(0)
    rnn = nn.GRU(4, 6)
    X, H = normal(5, 3, 4), normal(1, 3, 6, seed=1)
    torch.testing.assert_close(copy(rnn)(X, H)[0], rnn(X, H)[0])


class StateOfOneRow(RNNScratch):
    """`state, = state`: solo sirve con una secuencia."""

    def forward(self, inputs, state=None):
        if state is None:
            return super().forward(inputs)
        (state,) = state[0]
        return super().forward(inputs, state.expand(1, inputs.shape[1], -1))


class ForgetfulLSTM(LSTMScratch):
    """Recibe un estado y empieza de cero."""

    def forward(self, inputs, state=None):
        return super().forward(inputs)


def simple_cell(num_inputs, num_hiddens):
    return Unrolled(SimpleRNNCell(num_inputs, num_hiddens))


def lstm_cell(num_inputs, num_hiddens):
    return Unrolled(LSTMCell(num_inputs, num_hiddens))


@regression(
    ours=[RNNScratch, LSTMScratch, GRUScratch, simple_cell, lstm_cell],
    defective=[StateOfOneRow, ForgetfulLSTM],
    raises=(AssertionError, ValueError),
)
def test_given_state_continues(kind):
    """Leer tres secuencias en dos veces, con el estado, es leerlas de una."""
    rnn, X = kind(4, 5), normal(8, 3, 4)
    whole, _ = rnn(X)
    first, state = rnn(X[:3])
    second, _ = rnn(X[3:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)


def our_pairs(sentence, vocab):
    counts = cooccurrence(encode([sentence], vocab), len(vocab), window=1)
    return counts.nnz, vocab(sentence)


def glued_pairs(sentence, vocab):
    known = [vocab[w] for w in sentence if w in vocab and w != "<unk>"]
    return cooccurrence([known], len(vocab), window=1).nnz, known


@regression(ours=our_pairs, defective=glued_pairs)
def test_unknown_words_keep_their_place(read):
    """«sol» y «mar» no son vecinas porque falte la palabra que las separa."""
    vocab = Vocab(["<unk>", "sol", "mar"], default_index=0)
    num_pairs, ids = read(["sol", "desconocida", "mar"], vocab)
    assert num_pairs == 0 and ids == [1, 0, 2]


class Logits(nn.Module):
    """Un «modelo» cuyos logits son parámetros: su gradiente dice cuáles cuentan."""

    def __init__(self, *shape):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(shape))

    def forward(self, X, state=None):
        return self.logits, None


def last_step_only(model, batches, optimizer):
    for X, Y in batches:
        loss = F.cross_entropy(model(X)[0][:, -1], Y[:, -1])
        loss.backward()


@regression(ours=train_epoch, defective=last_step_only)
def test_every_step_is_a_target(train):
    model = Logits(3, 4, 5)
    X = torch.zeros(3, 4, dtype=torch.long)
    train(model, [(X, X)], torch.optim.SGD(model.parameters(), lr=0.1))
    assert (model.logits.grad.norm(dim=2) > 0).all()


def our_truncated_gradient(model, X, Y, every):
    logits, _ = bptt_logits(model, X, truncation(X.shape[1], every))
    loss = F.cross_entropy(logits.flatten(0, 1), Y.flatten())
    return torch.autograd.grad(loss, model.rnn.W_hh)[0]


def length_ignored(model, X, Y, every):
    return our_truncated_gradient(model, X, Y, X.shape[1])


@regression(ours=our_truncated_gradient, defective=length_ignored)
def test_bptt_length_matters(gradient):
    model, (X, Y) = language_model(), windows(IDS, 20)
    short, medium, whole = (gradient(model, X, Y, every) for every in (1, 5, 20))
    assert (short - medium).norm() > 1e-3 and (medium - whole).norm() > 1e-5


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


def our_split(corpus):
    return split_corpus(corpus, torch.Generator().manual_seed(0))


def measured_on_its_own_reading(corpus):
    return corpus, corpus


@regression(ours=our_split, defective=measured_on_its_own_reading)
def test_validation_is_unseen(split):
    texts = [f"texto {i}" for i in range(40)]
    train, held_out = split(Corpus("textos", "Textos", texts, True, "", ["a", "b"] * 20))
    assert not set(train.documents) & set(held_out.documents)
    assert sorted(train.documents + held_out.documents) == sorted(texts)


def read_all_again(model, prefix, num_symbols, vocab):
    ids = vocab(list(prefix))
    for _ in range(num_symbols):
        ids.append(model(torch.tensor([ids]))[0][0, -1].argmax().item())
    return "".join(vocab.lookup_tokens(ids))


def state_thrown_away(model, prefix, num_symbols, vocab):
    ids = vocab(list(prefix))
    model(torch.tensor([ids[:-1]]))
    for _ in range(num_symbols):
        ids.append(model(torch.tensor([ids[-1:]]))[0][0, -1].argmax().item())
    return "".join(vocab.lookup_tokens(ids))


@regression(ours=generate, defective=[read_all_again, state_thrown_away])
def test_generation_carries_the_state(write):
    """n símbolos cuestan n pasos, y el texto es el de releerlo todo."""
    model, vocab, steps = language_model(LSTMScratch, 12), Vocab(SYMBOLS), []
    expected = read_all_again(model, "abcab", 30, vocab)
    model.rnn.register_forward_hook(lambda rnn, inputs, _: steps.append(len(inputs[0])))
    assert write(model, "abcab", 30, vocab) == expected
    assert sum(steps) <= 5 + 30


def unchecked_generation(model, prefix, num_symbols, vocab):
    index = vocab.get_stoi()
    return model(torch.tensor([[index[symbol] for symbol in prefix]]))


@regression(ours=generate, defective=unchecked_generation, raises=KeyError)
def test_unknown_symbol_is_explained(write):
    for prefix, symbol in [("ab@", "@"), ("Abc", "A")]:
        with pytest.raises(CourseError, match=f"«{symbol}»"):
            write(language_model(), prefix, 3, Vocab(SYMBOLS))
    assert set("quijote") >= set(letters("Quijote"))


def our_drawn_text(seed):
    generator = torch.Generator().manual_seed(seed)
    return generate(language_model(), "a", 40, Vocab(SYMBOLS), 1.0, generator=generator)


def always_the_best(seed):
    torch.manual_seed(seed)
    return read_all_again(language_model(), "a", 40, Vocab(SYMBOLS))


@regression(ours=our_drawn_text, defective=always_the_best)
def test_generation_can_draw(write):
    assert len({write(seed) for seed in range(5)}) == 5


class Arrived(Exception):
    """Los datos llegaron al dispositivo del modelo."""


class Elsewhere(LanguageModel):
    """Un modelo en otro dispositivo, que deja de leer en cuanto recibe sus datos."""

    def __init__(self):
        super().__init__(RNNScratch(5, 3), 5)
        self.to("meta")

    def forward(self, X, state=None):
        assert X.device == self.output_layer.weight.device
        raise Arrived


def device_discarded(model):
    X = torch.tensor([[0, 1]])
    X.to(model.output_layer.weight.device)
    model(X)


@regression(
    ours=[
        lambda model: generate(model, "ab", 3, Vocab(SYMBOLS)),
        lambda model: perplexity_by_window(model, IDS, 8),
        lambda model: perplexity_by_stream(model, IDS),
    ],
    defective=device_discarded,
)
def test_data_goes_where_the_model_is(use):
    with pytest.raises(Arrived):
        use(Elsewhere())


def mean_by_parameter(model, X, Y):
    loss = F.cross_entropy(model(X)[0].flatten(0, 1), Y.flatten())
    gradients = torch.autograd.grad(loss, list(model.rnn.parameters()))
    return torch.stack([g.abs().mean() for g in gradients])[None]


@regression(
    ours=lambda model, X, Y: state_gradients(model, X, Y, only_last=True),
    defective=mean_by_parameter,
)
def test_gradients_are_seen_by_step(look):
    """Una fila por capa y una columna por paso; en esta red se desvanece hacia atrás."""
    X, Y = windows(IDS, 20)
    norms = look(language_model(num_hiddens=4, sigma=0.1), X, Y)
    assert norms.shape == (1, 20) and norms[0, 0] < 0.05 * norms[0, -1]


def variational():
    return Unrolled(SimpleRNNCell(4, 64), 0.5, torch.Generator().manual_seed(0))


def between_layers():
    return nn.RNN(4, 64, num_layers=2, dropout=0.5, nonlinearity="tanh")


@regression(ours=variational, defective=between_layers)
def test_dropout_is_recurrent(build):
    """Con entradas nulas, lo único que puede apagarse en la primera capa es el estado."""
    rnn = build().train()
    reached = []
    for _ in range(2):
        state = torch.ones(2 if isinstance(rnn, nn.RNN) else 1, 3, 64)
        reached.append(rnn(torch.zeros(1, 3, 4), state)[1][0])
    assert not torch.equal(*reached)


class StopsAndForgets(EarlyStopping):
    """Para, pero deja los últimos pesos."""

    def restore(self):
        pass


class NaNResetsTheCount(EarlyStopping):
    """Toda comparación con NaN es falsa: «no empeoró», y la cuenta vuelve a cero."""

    def should_stop(self, value):
        if value > self.best:
            self.waited += 1
        else:
            self.best, self.waited = min(value, self.best), 0
            self.weights = {k: v.clone() for k, v in self.model.state_dict().items()}
        return self.waited >= self.patience


@regression(ours=EarlyStopping, defective=[StopsAndForgets, NaNResetsTheCount])
def test_early_stopping(kind):
    for values, epochs in [([3, 1, 2, 2, 0], 4), ([2, math.nan, math.nan, math.nan], 3)]:
        model = nn.Linear(1, 1)
        stopping, best = kind(model, patience=2), values.index(min(values[:epochs]))
        for epoch, value in enumerate(values):
            nn.init.constant_(model.weight, epoch)
            if stopping.should_stop(value):
                break
        stopping.restore()
        assert epoch + 1 == epochs and model.weight.item() == best


def measured_in_training_mode(model, ids):
    X, Y = windows(ids, 8)
    return math.exp(F.cross_entropy(model(X)[0].flatten(0, 1), Y.flatten()).item())


@regression(
    ours=[lambda model, ids: perplexity_by_window(model, ids, 8), perplexity_by_stream],
    defective=measured_in_training_mode,
)
def test_evaluation_is_repeatable(measure):
    torch.manual_seed(0)
    model = LanguageModel(nn.LSTM(5, 16, num_layers=2, dropout=0.5), 5).train()
    assert measure(model, IDS) == measure(model, IDS)
    assert model.training


def padding_counts(model, batches, optimizer):
    for X, Y in batches:
        loss = F.cross_entropy(model(X)[0].flatten(0, 1), Y.clamp(min=0).flatten())
        loss.backward()


@regression(ours=train_epoch, defective=padding_counts)
def test_padding_is_no_target(train):
    """Los blancos que igualan las frases no se aprenden: -100 en Y es relleno."""
    model = Logits(2, 4, 5)
    X, Y = torch.zeros(2, 4, dtype=torch.long), torch.tensor([[1, 2, 3, 4], [1, 2, -100, -100]])
    train(model, [(X, Y)], torch.optim.SGD(model.parameters(), lr=0.1))
    assert torch.equal(model.logits.grad.norm(dim=2) > 0, Y >= 0)


# === C =======================================================================================


def slow_perplexity(model, ids, num_steps):
    """De ventana en ventana y de símbolo en símbolo, sin nada del paquete."""
    total, count = 0.0, 0
    for start in range(0, len(ids) - 1, num_steps):
        row = torch.tensor([ids[start : start + num_steps + 1]])
        log_p = F.log_softmax(model(row[:, :-1])[0], dim=-1)[0]
        total -= sum(log_p[t, symbol].item() for t, symbol in enumerate(row[0, 1:]))
        count += row.shape[1] - 1
    return math.exp(total / count)


def last_training_batch(model, train_ids, test_ids, num_steps):
    """En el bucle de prueba se suma la `l` que quedó del de entrenamiento."""
    for X, Y in zip(*(part.split(4) for part in windows(train_ids, num_steps))):
        l = F.cross_entropy(model(X)[0].flatten(0, 1), Y.flatten())
    test_batches = windows(test_ids, num_steps)[0].split(4)
    return math.exp(sum(l.item() for X in test_batches) / len(test_batches))


@regression(
    ours=lambda model, _, test_ids, num_steps: perplexity_by_window(model, test_ids, num_steps),
    defective=last_training_batch,
)
def test_perplexity_is_of_the_given_text(measure):
    model = language_model()
    with torch.no_grad():
        expected = slow_perplexity(model, IDS[:100], 8)
        value = measure(model, [0, 1] * 50, IDS[:100], 8)
    assert value == pytest.approx(expected, rel=1e-4)


def first_overlapping(ids, num_steps):
    """Ventanas de paso 1: muchas, y casi todas con las mismas letras."""
    return ids.unfold(0, num_steps, 1)[: len(ids) // num_steps]


@regression(ours=lambda ids, num_steps: windows(ids, num_steps)[0], defective=first_overlapping)
def test_windows_cover_the_text(cut):
    X = cut(torch.arange(10_000), 32)
    assert len(X.unique()) == X.numel() > 0.99 * 10_000


BOOK = "En un lugar de la Mancha, vivía un hidalgo."
START = "\n\n*** START OF THE PROJECT GUTENBERG EBOOK 2000 ***\n\n"
END = "\n\n*** END OF THE PROJECT GUTENBERG EBOOK 2000 ***\n\nThis book is free: look at the work."


def edition(header, newline="\n", bom=b""):
    return bom + (header + START + BOOK + END).replace("\n", newline).encode()


def from_a_fixed_place(raw):
    """Los mismos lugares que valieron con el fichero de un día."""
    return raw.decode()[len("Una cabecera" + START) :][: len(BOOK)]


def with_the_licence(raw):
    return raw.decode("utf-8-sig").split("2000 ***", 1)[1]


@regression(ours=readers.gutenberg, defective=[from_a_fixed_place, with_the_licence])
def test_licence_is_cut(read):
    """Con otra cabecera, BOM y CRLF sale el mismo libro, y ninguna k."""
    first = read(edition("Una cabecera"))
    assert "k" not in build_vocab_from_iterator([letters(first)])
    assert first == BOOK
    assert read(edition("Otra cabecera, más larga", "\r\n", b"\xef\xbb\xbf")) == BOOK


def two_values_or_three(texts):
    tokens = [token for text in texts for token in text]
    return (len(tokens), tokens, Vocab(sorted(set(tokens)))) if tokens else ([], Vocab([]))


@regression(ours=build_vocab_from_iterator, defective=two_values_or_three)
def test_vocabulary_of_nothing(build):
    nothing, something = build([]), build([["a", "b"]])
    assert type(nothing) is type(something) and len(nothing) == len(something) - 2


READ_OURS = """
from coursekit.data import load_sample
print(ascii(load_sample("relato").text[:3000]))
"""
READ_BY_LOCALE = """
print(ascii(open("coursekit/data/samples/relato.txt", "r").read()))
"""


@regression(ours=READ_OURS, defective=READ_BY_LOCALE)
def test_reading_ignores_the_locale(program):
    result = run(program, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert result.returncode == 0 and b"\\xf3" in result.stdout  # una ó


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


def one_hundredth(num_inputs, num_hiddens):
    return RNNScratch(num_inputs, num_hiddens, sigma=0.01)


@regression(ours=[RNNScratch, LSTMScratch, GRUScratch], defective=one_hundredth)
def test_initial_spread_is_torchs(kind):
    """Lo que se compara es la red, no su comienzo: 0,01 la retrasa tres épocas."""
    rnn, torchs = kind(64, 64), nn.RNN(64, 64)
    for ours, theirs in [(rnn.W_xh, torchs.weight_ih_l0), (rnn.W_hh, torchs.weight_hh_l0)]:
        assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.1)


def scratch_and_torch():
    scratch = LSTMScratch(5, 4)
    return scratch, to_torch(scratch)


def torch_and_scratch():
    rnn = nn.GRU(5, 4)
    return rnn, from_torch(rnn)


def scratch_and_cell():
    scratch = RNNScratch(5, 4)
    return scratch, to_cell(scratch)


def one_net_in_two_models():
    lstm = nn.LSTM(5, 4)
    return LanguageModel(lstm, 5), LanguageModel(lstm, 5)


@regression(
    ours=[scratch_and_torch, torch_and_scratch, scratch_and_cell],
    defective=one_net_in_two_models,
)
def test_nets_share_nothing(build):
    first, second = (
        {p.untyped_storage().data_ptr() for p in net.parameters()} for net in build()
    )
    assert not first & second


def unchecked_stack(*layers):
    return nn.Sequential(*layers)


@regression(ours=[Stacked, Bidirectional], defective=unchecked_stack)
def test_one_net_cannot_be_two_layers(build):
    """`[capa] * 2` es una sola capa, con los pesos de una."""
    with pytest.raises(CourseError, match="compartirían"):
        build(*[RNNScratch(4, 4)] * 2)


def our_package():
    """Lo definido en el paquete y todo lo que puede usarlo."""
    users = [path.read_text("utf-8") for folder in ("coursekit", "book", "solutions", "tests")
             for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md")
             and path != Path(__file__)]  # fmt: skip
    return our_sources(), users


def helper_never_called():
    source = "class GRU:\n    def product(self, H):\n        return H"
    return [source], [source]


def constant_never_read():
    source = "BATCH_SIZE = 8\nloader(train, 64)"
    return [source], [source]


@regression(ours=our_package, defective=[helper_never_called, constant_never_read])
def test_nothing_is_dead(sources):
    defined, users = sources()
    words = Counter(word for text in users for word in re.findall(r"\w+", text))
    trees = [ast.parse(text) for text in defined]
    names = {n.name for tree in trees for n in ast.walk(tree)
             if isinstance(n, (ast.FunctionDef, ast.ClassDef))}  # fmt: skip
    names |= {target.id for tree in trees for n in tree.body if isinstance(n, ast.Assign)
              for target in n.targets if isinstance(target, ast.Name)}  # fmt: skip
    public = {n for n in names if not n.startswith("__") and n != "forward"}
    assert {n for n in public if words[n] < 2} == set()


def bits_called_options(log_probs):
    """La entropía, en bits, tomada por un número de opciones."""
    return -np.mean(log_probs) / math.log(2)


@regression(ours=perplexity, defective=bits_called_options)
def test_guessing_games(measure):
    """Cuatro bolas iguales: 2 bits, 4 opciones; 1/2, 1/4, 1/8 y 1/8: 1,75 bits, 3,364."""
    for p, bits, options in [([1 / 4] * 4, 2, 4), ([1 / 2, 1 / 4, 1 / 8, 1 / 8], 1.75, 3.364)]:
        draws = np.repeat(p, (np.array(p) * 8).astype(int))
        assert measure(np.log(draws)) == pytest.approx(options, abs=5e-4)
        assert math.log2(measure(np.log(draws))) == pytest.approx(bits)


def gates_of(kind):
    def step(I, F, O, G, H, C):
        """Un paso de la LSTM con las compuertas fijas y G = tanh(g)."""
        rnn = kind()
        for parameter in rnn.parameters():
            nn.init.zeros_(parameter)
        bias = rnn.cell.gates.bias if isinstance(rnn, Unrolled) else rnn.b_h
        with torch.no_grad():
            bias.copy_(torch.tensor([*(60.0 * gate - 30 for gate in (I, F)), G, 60.0 * O - 30]))
        state = torch.full((1, 1, 1), H), torch.full((1, 1, 1), C)
        return [part.item() for part in rnn(torch.zeros(1, 1, 1), state)[1]]

    step.__name__ = kind.__name__
    return step


def scratch_lstm():
    return LSTMScratch(1, 1)


def concatenated_lstm():
    return Unrolled(LSTMCell(1, 1))


def table_reversed(I, F, O, G, H, C):
    """F «borra», I «conserva» y O deja pasar el estado anterior."""
    return O * H, I * C + F * math.tanh(G)


@regression(
    ours=[gates_of(scratch_lstm), gates_of(concatenated_lstm)], defective=table_reversed
)
def test_memory_gates(step):
    close = {"abs": 1e-6}
    for O in (0, 1):
        assert step(1, 0, O, 0.3, 0.9, 0.7)[1] == pytest.approx(math.tanh(0.3), **close)
        assert step(0, 1, O, 0.3, 0.9, 0.7)[1] == pytest.approx(0.7, **close)
        assert step(0, 0, O, 0.3, 0.9, 0.7)[1] == pytest.approx(0, **close)
        assert step(0, 1, O, 0.3, 0.9, 0.7)[0] == pytest.approx(O * math.tanh(0.7), **close)


# === D y E ===================================================================================


def dead_libraries():
    return ["from torchtext.datasets import IMDB\nimport wget"]


@regression(ours=our_sources, defective=dead_libraries)
def test_nothing_dead_is_imported(sources):
    roots = set()
    for node in (node for text in sources() for node in ast.walk(ast.parse(text))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add((node.module or "").split(".")[0])
    assert not roots & {"torchtext", "torchdata", "nltk", "wget", "spacy"}


def by_appearance(texts):
    return Vocab(dict.fromkeys(token for text in texts for token in text.split()))


@regression(
    ours=lambda texts: build_vocab_from_iterator(map(spanish, texts)), defective=by_appearance
)
def test_vocabulary_is_by_frequency(build):
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
    lengths, generator = torch.arange(200) // 10, torch.Generator().manual_seed(0)
    first, second = (list(share(lengths.tolist(), 8, generator)) for _ in "12")
    assert sorted(map(sorted, first)) != sorted(map(sorted, second))
    longest = [int(lengths[batch].max()) for batch in first]
    assert longest != sorted(longest, reverse=True)


def mean_of_batches(model, batches, optimizer):
    losses = [F.cross_entropy(model(X)[0].flatten(0, 1), Y.flatten()).item() for X, Y in batches]
    return sum(losses) / len(losses)


@regression(ours=train_epoch, defective=mean_of_batches)
def test_loss_weighs_examples(train):
    model, (X, Y) = language_model(), windows(IDS, 8)
    frozen = torch.optim.SGD(model.parameters(), lr=0)
    pieces = [(X[:-1], Y[:-1]), (X[-1:], Y[-1:])]
    expected = F.cross_entropy(model(X)[0].flatten(0, 1), Y.flatten()).item()
    assert train(model, pieces, frozen) == pytest.approx(expected, rel=1e-5)


def our_fit(model, batch, optimizer):
    return fit(model, lambda: [batch], optimizer, num_epochs=1)


def unclipped(model, batch, optimizer):
    F.cross_entropy(model(batch[0])[0].flatten(0, 1), batch[1].flatten()).backward()
    optimizer.step()


@regression(ours=our_fit, defective=unclipped)
def test_steps_are_clipped(train):
    """Con un gradiente de norma mayor, el paso es de norma 1."""
    model = Logits(1, 1, 5)
    with torch.no_grad():
        model.logits[0, 0, 0] = 100
    start, zeros = model.logits.detach().clone(), torch.zeros(1, 1, dtype=torch.long)
    train(model, (zeros, zeros + 1), torch.optim.SGD(model.parameters(), lr=1))
    assert (model.logits - start).norm().item() <= 1 + 1e-5


def nan_reported(model, batch, optimizer):
    loss = F.cross_entropy(model(batch[0])[0].flatten(0, 1), batch[1].flatten())
    return {"loss": loss.item(), "accuracy": 0.0}


@regression(ours=our_fit, defective=nan_reported)
def test_nan_is_explained(train):
    model = Logits(1, 1, 5)
    nn.init.constant_(model.logits, math.nan)
    zeros = torch.zeros(1, 1, dtype=torch.long)
    with pytest.raises(CourseError, match="explotó"):
        train(model, (zeros, zeros), torch.optim.SGD(model.parameters(), lr=1))


class VectorsOrZeros(dict):
    """Lo que no es una palabra también tiene vector: cero."""

    def __missing__(self, key):
        return np.zeros(3)


@regression(
    ours=lambda words: Vocab(words, default_index=0),
    defective=lambda words: VectorsOrZeros({word: np.ones(3) for word in words}),
)
def test_a_number_is_not_a_word(build):
    with pytest.raises(TypeError):
        build(["<unk>", "sol"])[0]


def our_handouts():
    """Las celdas de los ejercicios, como las recibe el estudiante."""
    pages = [path.read_text("utf-8") for path in (ROOT / "exercises").glob("*.md")]
    fence = r"^```\{code-cell\} ipython3\n((?::.*\n)*)(?:---\n(?s:.*?)\n---\n)?((?s:.*?))^```$"
    return [cell for page in pages for _, cell in re.findall(fence, page, re.MULTILINE)]


def body_to_be_written():
    return ["def read(texts):\n    # escribe aquí tu código\n\nread([])"]


@regression(ours=our_handouts, defective=body_to_be_written, raises=SyntaxError)
def test_handouts_are_python(cells):
    assert cells()
    for cell in cells():
        ast.parse(re.sub(r"^[%!].*", "", cell, flags=re.MULTILINE))


# --- Clasificación ---

REVIEWS = Corpus(
    "resenas", "Reseñas", ["buena y clara", "mala", "muy mala y muy larga", "buena"] * 3,
    True, "", ["pos", "neg", "neg", "pos"] * 3,
)  # fmt: skip


def classes_of(corpus):
    return TextReader.from_corpus(corpus).examples(corpus).labels.tolist()


def compared_with_a_word(corpus):
    """Las etiquetas llegan como 1 y 2, y ninguna es igual a «pos»."""
    numbers = [{"neg": 1, "pos": 2}[label] for label in corpus.labels]
    return [1 if number == "pos" else 0 for number in numbers]


@regression(ours=classes_of, defective=compared_with_a_word)
def test_both_classes_are_there(read):
    """Con una sola clase, la exactitud es del 100 % por construcción."""
    assert read(REVIEWS) == [1, 0, 0, 1] * 3
    with pytest.raises(CourseError, match="dos clases"):
        read(Corpus("unas", "Unas", ["buena"] * 4, True, "", ["pos"] * 4))


class ReadsThePads(VanillaRNN):
    """El último estado del lote, que en los textos cortos es el del relleno."""

    def forward(self, ids, lengths):
        H, _ = self.rnn(self.embedding(ids))
        return self.output_layer(H[:, -1])


class IgnoresLengths(RecurrentClassifier):
    """Hacia delante se acaba en el relleno, y hacia atrás se empieza por él."""

    def forward(self, ids, lengths):
        return super().forward(ids, torch.full_like(lengths, ids.shape[1]))


class NextSymbolOfRows(NextSymbol):
    """La interfaz de los clasificadores."""

    def __init__(self, vocab_size, num_classes):
        super().__init__(Bidirectional(*(LSTMScratch(vocab_size, 3) for _ in "12")), vocab_size)

    def forward(self, ids, lengths):
        return super().forward((ids, lengths))[0]


def classifier_of(pooling):
    def build(vocab_size, num_classes):
        return RecurrentClassifier(vocab_size, num_classes, "lstm", 4, 5, pooling=pooling)

    build.__name__ = pooling
    return build


@regression(
    ours=[VanillaRNN, BagOfEmbeddings, NextSymbolOfRows]
    + [classifier_of(pooling) for pooling in ("last", "max", "mean")],
    defective=[ReadsThePads, IgnoresLengths],
)
def test_padding_changes_no_prediction(build):
    torch.manual_seed(0)
    model = build(9, 3).eval()
    ids, lengths = collate_padded([[4, 2], [3, 7, 5], [8]], PAD)
    wide = F.pad(ids, (0, 6), value=PAD)
    torch.testing.assert_close(model(wide, lengths), model(ids, lengths))
    torch.testing.assert_close(model(ids[:1, :2], lengths[:1]), model(ids, lengths)[:1])


def padding_is_a_token(vocab_size, num_classes):
    model = ReadsThePads(vocab_size, num_classes)
    model.embedding = nn.Embedding(vocab_size, 100)
    nn.init.zeros_(model.embedding.weight[PAD])
    return model


@regression(
    ours=[VanillaRNN, RecurrentClassifier, BagOfEmbeddings], defective=padding_is_a_token
)
def test_padding_learns_nothing(build):
    model = build(9, 2)
    ids, lengths = collate_padded([[4, 2], [3, 7, 5]], PAD)
    batch = ids, lengths, torch.tensor([0, 1])
    train_classifier_epoch(model, [batch], torch.optim.SGD(model.parameters(), lr=1))
    assert not model.embedding.weight[PAD].any()


def first_model_counted():
    """Se imprimía el tamaño de la otra red."""
    return count_parameters(VanillaRNN(18_961, 2))


def every_layer_read():
    """El clasificador une los estados de todas las capas, no los de la última."""
    model = RecurrentClassifier(18_961, 2)
    model.output_layer = nn.Linear(2 * 2 * 256, 2)
    return count_parameters(model)


@regression(
    ours=lambda: count_parameters(RecurrentClassifier(18_961, 2)),
    defective=[first_model_counted, every_layer_read],
)
def test_parameters_are_of_this_model(count):
    embedding = 18_961 * 100
    layers = sum(2 * 3 * (256 * (size + 256) + 2 * 256) for size in (100, 512))
    assert count() == embedding + layers + 2 * 256 * 2 + 2 == 3_629_734


def frequent_words_only():
    texts = [f"palabra{i} común" for i in range(50)]
    corpus = Corpus("noticias", "Noticias", texts, True, "", ["a", "b"] * 25)
    reader = TextReader.from_corpus(corpus, min_freq=2)
    return reader, RecurrentClassifier(len(reader.vocab), 2, "lstm", 32, 64, 1, False)


def every_word():
    texts = [f"palabra{i} común" for i in range(50)]
    corpus = Corpus("noticias", "Noticias", texts, True, "", ["a", "b"] * 25)
    reader = TextReader.from_corpus(corpus)
    return reader, RecurrentClassifier(len(reader.vocab), 2, "lstm", 32, 64, 1, False)


@regression(ours=frequent_words_only, defective=every_word)
def test_rare_words_can_be_left_out(build):
    """Con todas las palabras, 3.091.332 parámetros, y el 99 % en los embeddings."""
    model = RecurrentClassifier(95_812, 4, "lstm", 32, 64, 1, False)
    assert count_parameters(model) == 3_091_332
    assert model.embedding.weight.numel() / 3_091_332 > 0.99
    reader, small = build()
    assert reader.vocab.get_itos() == ["<unk>", "<pad>", "común"]
    assert len(small.embedding.weight) == 3


def patched_accuracy(model, batches, optimizer):
    """La suma de las medias de los lotes, por 64 y entre el número de ejemplos."""
    rights = [(model(ids, n).argmax(1) == y).float().mean().item() for ids, n, y in batches]
    losses = [F.cross_entropy(model(ids, n), y).item() for ids, n, y in batches]
    return [sum(x) * 64 / sum(len(y) for *_, y in batches) for x in (losses, rights)]


def best_streak(model, batches, optimizer):
    """La mejor exactitud de unos lotes seguidos; los últimos, incompletos, no se miran."""
    rights = [(model(ids, n).argmax(1) == y).float().mean().item() for ids, n, y in batches[:-1]]
    losses = [F.cross_entropy(model(ids, n), y).item() for ids, n, y in batches[:-1]]
    return min(losses), max(rights)


def measured(model, batches, optimizer):
    result = evaluate(model, batches)
    return result.loss, result.accuracy


@regression(ours=[train_classifier_epoch, measured], defective=[patched_accuracy, best_streak])
def test_accuracy_is_of_examples(train):
    torch.manual_seed(0)
    model, ids = VanillaRNN(9, 2, 4, 4), torch.randint(2, 9, (150, 3))
    lengths, labels = torch.full((150,), 3), torch.randint(2, (150,))
    logits = model(ids, lengths)
    batches = list(zip(ids.split(64), lengths.split(64), labels.split(64)))
    loss, accuracy = train(model, batches, torch.optim.SGD(model.parameters(), lr=0))
    assert accuracy == pytest.approx((logits.argmax(1) == labels).float().mean().item())
    assert loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)


def last_weights_stay(model, train, validation, optimizer):
    losses = []
    for _ in range(4):
        train_classifier_epoch(model, train, optimizer)
        losses.append(evaluate(model, validation).loss)
    return losses


def our_training(model, train, validation, optimizer):
    return train_classifier(model, train, validation, optimizer, num_epochs=4).validation


@regression(ours=our_training, defective=last_weights_stay)
def test_best_weights_are_kept(train):
    """Con la validación al revés, cada época la empeora: vale la primera."""
    torch.manual_seed(0)
    model, ids = BagOfEmbeddings(9, 2, 4), torch.randint(2, 9, (30, 3))
    lengths, labels = torch.full((30,), 3), (ids[:, 0] > 5).long()
    upside_down = [(ids, lengths, 1 - labels)]
    adam = torch.optim.Adam(model.parameters(), lr=0.1)
    losses = train(model, [(ids, lengths, labels)], upside_down, adam)
    assert losses[0] < losses[-1]
    assert evaluate(model, upside_down).loss == pytest.approx(losses[0])


def absent_as_zeros(embedding, vocab, vectors):
    with torch.no_grad():
        for i, token in enumerate(vocab.get_itos()):
            embedding.weight[i] = torch.as_tensor(vectors.get(token, np.zeros(3)))
    return len(vectors) / (len(vocab) - 2)


@regression(ours=fill_embedding, defective=absent_as_zeros)
def test_absent_vectors_are_counted(fill):
    """La palabra sin vector conserva el suyo, y se dice cuántas hay."""
    embedding, vocab = nn.Embedding(4, 3), Vocab(["<unk>", "<pad>", "sol", "blorg"])
    before = embedding.weight.detach().clone()
    assert fill(embedding, vocab, {"sol": np.ones(3)}) == 0.5
    assert embedding.weight[2].tolist() == [1, 1, 1]
    assert torch.equal(embedding.weight[[0, 1, 3]], before[[0, 1, 3]])


def read_once(corpus):
    reader = TextReader.from_corpus(corpus)
    loader = make_loader(reader.examples(corpus), 4)
    return lambda: list(loader)


def read_in_every_batch(corpus):
    reader = TextReader.from_corpus(corpus)
    return lambda: [collate_padded([reader.encode(text)]) for text in corpus.documents]


@regression(ours=read_once, defective=read_in_every_batch)
def test_texts_are_tokenised_once(prepare):
    """Una época no vuelve a separar los textos en palabras."""
    epoch, calls = prepare(REVIEWS), []
    with mock.patch.dict(TOKENIZERS, basic_english=lambda text: calls.append(text) or ["a"]):
        epoch()
    assert not calls


# --- Autocodificador ---


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


def states_called_probabilities():
    yield nn.LSTM(5, 5)(normal(4, 3, 5))[0]


def our_probabilities():
    """Las de un modelo de lenguaje, un clasificador, una atención y unos n-gramas."""
    torch.manual_seed(0)
    histories = torch.cartesian_prod(torch.arange(3), torch.arange(5))
    rows = torch.stack([torch.cat([h, torch.tensor([w])]) for h in histories for w in range(5)])
    yield language_model().log_probs(rows).exp()[:, -1].view(-1, 5)
    yield torch.from_numpy(KneserNey(3, 5).fit(IDS).log_probs(rows)).exp()[:, -1].view(-1, 5)
    words = Vocab(["<unk>", "<pad>", "sí", "no"], default_index=0)
    reader = TextReader("spanish", words, ("a", "b", "c"))
    texts = TextClassifier(VanillaRNN(4, 3, 4, 4), reader).log_probs(["sí", "no sí", ""])
    yield torch.from_numpy(texts).exp()
    keys = normal(2, 4, 3)
    yield AdditiveAttention(3, 3, 5)(keys, keys, keys, torch.tensor([4, 2]))[1]


@regression(ours=our_probabilities, defective=states_called_probabilities)
def test_probabilities_are_probabilities(distributions):
    for P in distributions():
        assert P.min() >= 0
        torch.testing.assert_close(P.sum(-1), torch.ones_like(P[..., 0]))


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
