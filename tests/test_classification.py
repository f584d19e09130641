"""Clasificadores contra secuencias empaquetadas, scikit-learn y cuentas a mano."""

import inspect
import json
import math
import os
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from coursekit import data
from coursekit.classification import (
    BagOfEmbeddings,
    BucketSampler,
    NaiveBayes,
    RecurrentClassifier,
    TextClassifier,
    TextReader,
    TfidfClassifier,
    VanillaRNN,
    count_parameters,
    count_words,
    evaluate,
    evaluate_corpus,
    fill_embedding,
    make_loader,
    naive_bayes,
    predict,
    predict_sentiment,
    predict_topic,
    split_corpus,
    train_classifier,
    train_classifier_epoch,
)
from coursekit.classification.examples import TOKENIZERS
from coursekit.classification.models import NeuralClassifier
from coursekit.data import Corpus
from coursekit.errors import CourseError
from coursekit.recurrent import Bidirectional, LSTMScratch, NextSymbol, read_padded
from coursekit.text import Vocab, collate_padded
from coursekit.training import seed_everything
from regression import regression

VOCAB_SIZE, NUM_CLASSES, PAD = 12, 3, 1


def gru(**changes):
    small = dict(embed_size=4, num_hiddens=5) | changes
    return RecurrentClassifier(VOCAB_SIZE, NUM_CLASSES, **small)


MODELS = {
    "vanilla": lambda: VanillaRNN(VOCAB_SIZE, NUM_CLASSES, 4, 5),
    "gru": gru,
    "lstm": lambda: gru(cell="lstm", num_layers=3),
    "one way": lambda: gru(cell="lstm", num_layers=1, bidirectional=False, dropout=0),
    "max": lambda: gru(pooling="max", num_layers=1),
    "mean": lambda: gru(pooling="mean"),
    "bag": lambda: BagOfEmbeddings(VOCAB_SIZE, NUM_CLASSES, 4, dropout=0.5),
}


def build(name, seed=0):
    torch.manual_seed(seed)
    return MODELS[name]().eval()


def padded(rows, extra=0):
    """Los textos con `extra` rellenos más de los que hacen falta."""
    longest = max(map(len, rows)) + extra
    ids = torch.tensor([row + [PAD] * (longest - len(row)) for row in rows])
    return ids, torch.tensor([len(row) for row in rows])


def corpus(documents, labels):
    return Corpus("prueba", "Prueba", list(documents), True, "", list(labels))


REVIEWS = data.load_sample("resenas")
TOY = corpus(
    ["bueno muy bueno", "malo", "", "muy malo", "bueno"] * 4, ["pos", "neg", "neg", "neg", "pos"] * 4
)


# El relleno


rows_strategy = st.lists(
    st.lists(st.sampled_from([0, *range(2, VOCAB_SIZE)]), min_size=1, max_size=9),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("name", MODELS)
@given(rows=rows_strategy, extra=st.integers(0, 6))
@settings(max_examples=25, deadline=None)
def test_padding_and_neighbours_change_no_prediction(name, rows, extra):
    model = build(name)
    with torch.no_grad():
        together = model(*padded(rows, extra))
        alone = torch.cat([model(*padded([row])) for row in rows])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_padding_is_not_trained(name):
    model = build(name)
    model(*padded([[2, 3, 4, 5], [6]], extra=2)).square().sum().backward()
    gradient = model.embedding.weight.grad
    assert not gradient[PAD].any() and not model.embedding.weight[PAD].any()
    assert gradient[2].any() and gradient[6].any()


def torch_twin(layer, cell):
    """La red bidireccional de PyTorch con los pesos de nuestra capa."""
    kind = {"gru": nn.GRU, "lstm": nn.LSTM}[cell]
    twin = kind(layer.ahead.input_size, layer.ahead.hidden_size, bidirectional=True)
    weights = {name: value.detach() for name, value in layer.ahead.state_dict().items()}
    weights |= {f"{name}_reverse": value for name, value in layer.back.state_dict().items()}
    twin.load_state_dict(weights)
    return twin


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), extra=st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_layer_equals_packed(cell, lengths, extra):
    """Mismas salidas en cada token y mismos gradientes que con secuencias empaquetadas."""
    torch.manual_seed(len(lengths))
    kind, lengths = {"gru": nn.GRU, "lstm": nn.LSTM}[cell], torch.tensor(lengths)
    layer = Bidirectional(kind(4, 6), kind(4, 6))
    twin = torch_twin(layer, cell)
    X = torch.randn(int(lengths.max()) + extra, len(lengths), 4)
    inputs = [X.clone().requires_grad_() for _ in range(2)]
    real = torch.arange(len(X))[:, None] < lengths
    ours = read_padded(layer, inputs[0], lengths)[real]
    packed = pack_padded_sequence(inputs[1], lengths, enforce_sorted=False)
    theirs, _ = pad_packed_sequence(twin(packed)[0], total_length=len(X))
    torch.testing.assert_close(ours, theirs[real], atol=1e-5, rtol=1e-5)
    weights = torch.randn(ours.shape)
    for outputs in (ours, theirs[real]):
        (outputs * weights).sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad, atol=1e-5, rtol=1e-5)
    for name, parameter in layer.ahead.named_parameters():
        torch.testing.assert_close(parameter.grad, getattr(twin, name).grad, atol=1e-4, rtol=1e-4)
    for name, parameter in layer.back.named_parameters():
        other = getattr(twin, f"{name}_reverse").grad
        torch.testing.assert_close(parameter.grad, other, atol=1e-4, rtol=1e-4)


def test_last_state_is_the_final_one_of_each_way():
    """Lo que PyTorch llama h_n de la última capa, de ida y de vuelta."""
    model = build("gru")
    ids, lengths = padded([[2, 3, 4], [5], [6, 7]])
    packed = pack_padded_sequence(model.embedding(ids).transpose(0, 1), lengths, enforce_sorted=False)
    for layer in model.layers:
        packed, final = torch_twin(layer, "gru")(packed)
    expected = model.output_layer(torch.cat([final[0], final[1]], dim=1))
    torch.testing.assert_close(model(ids, lengths), expected)


def test_pools_against_a_slow_loop():
    rows = [[2, 3, 4], [5], [6, 7]]
    for name, summary in (("max", lambda H: H.amax(0)), ("mean", lambda H: H.mean(0))):
        model = gru(pooling=name, num_layers=1).eval()
        for row, logits in zip(rows, model(*padded(rows))):
            X = model.embedding(torch.tensor([row])).transpose(0, 1)
            H = model.layers[0](X)[0][:, 0]
            torch.testing.assert_close(logits, model.output_layer(summary(H)))


def test_bag_is_the_mean():
    model = build("bag")
    mean = model.embedding.weight[[2, 2, 5]].mean(0)
    torch.testing.assert_close(model(*padded([[2, 2, 5], [3] * 6]))[0], model.output_layer(mean))


def test_dropout_only_while_training():
    batch = padded([[2, 3, 4, 5, 6]])
    for name in ("gru", "lstm", "max", "bag"):
        model = build(name)
        assert torch.equal(model(*batch), model(*batch))
        model.train()
        assert not torch.equal(model(*batch), model(*batch))


def test_dropout_follows_the_embeddings_and_every_layer():
    sizes = []
    model = build("lstm")
    model.dropout.register_forward_hook(lambda _, inputs, out: sizes.append(tuple(out.shape)))
    model(*padded([[2, 3, 4], [5]]))
    assert sizes == [(3, 2, 4), (3, 2, 10), (3, 2, 10), (2, 10)]
    assert model.dropout.p == 0.5 and model.output_layer.in_features == 10


def test_parameter_counts():
    """Los del material de partida: con una salida por clase, una más que con una sola."""
    assert count_parameters(VanillaRNN(18_961, 1)) == 1_988_005
    source = RecurrentClassifier(
        95_812, 4, cell="lstm", embed_size=32, num_hiddens=64, num_layers=1, bidirectional=False
    )
    # PyTorch suma dos sesgos en cada compuerta, como el material.
    assert count_parameters(source) == 95_812 * 32 + 4 * 64 * (32 + 64 + 2) + 64 * 4 + 4 == 3_091_332


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "ids, lengths, word",
    [
        ([[2.0, 3.0]], [2], "torch.long"),
        ([[2, VOCAB_SIZE]], [2], f"{VOCAB_SIZE}"),
        ([[2, -1]], [2], "-1"),
        ([[2, 3]], [0], "largos"),
        ([[2, 3]], [3], "largos"),
        ([[2, 3]], [1, 2], "largos"),
        ([], [], "vacías"),
    ],
)
def test_bad_batches_are_explained(name, ids, lengths, word):
    with pytest.raises(CourseError, match=word):
        build(name)(torch.tensor(ids), torch.tensor(lengths))


@pytest.mark.parametrize("lengths", [[2], torch.tensor([2.0])])
def test_lengths_are_a_tensor_of_integers(lengths):
    with pytest.raises(CourseError, match="largos deben ser un tensor"):
        build("bag")(torch.tensor([[2, 3]]), lengths)


def test_an_epoch_without_batches_is_explained():
    model, once = build("bag"), iter([next(iter(reviews_loader()))])
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.raises(CourseError, match="un generador se agota"):
        train_classifier_epoch(model, [], optimizer)
    next(once)
    with pytest.raises(CourseError, match="un generador se agota"):
        evaluate(model, once)


@pytest.mark.parametrize("changes", [{"cell": "rnn"}, {"pooling": "first"}])
def test_unknown_choices_are_explained(changes):
    with pytest.raises(CourseError, match="|".join(changes.values())):
        gru(**changes)


# De textos a lotes


def test_split_is_a_seeded_partition():
    train, held_out = split_corpus(REVIEWS, torch.Generator().manual_seed(5))
    again, _ = split_corpus(REVIEWS, torch.Generator().manual_seed(5))
    other, _ = split_corpus(REVIEWS, torch.Generator().manual_seed(6))
    assert train.documents == again.documents != other.documents
    assert len(held_out.documents) == round(0.3 * len(REVIEWS.documents))
    pairs = [*zip(train.documents, train.labels), *zip(held_out.documents, held_out.labels)]
    assert sorted(pairs) == sorted(zip(REVIEWS.documents, REVIEWS.labels))


def test_reader_reserves_unk_and_pad():
    reader = TextReader.from_corpus(TOY, "spanish", min_freq=8)
    assert reader.vocab.get_itos() == ["<unk>", "<pad>", "bueno", "malo", "muy"]
    assert reader.encode("muy bueno, oye") == [4, 2, 0, 0]
    assert reader.encode("") == reader.encode("   ") == reader.encode("oye") == [0]


def test_text_cannot_write_padding():
    reader = TextReader("basic_english", Vocab(["<unk>", "<pad>", "a"], 0), ("x", "y"))
    assert reader.encode("a <pad> a") == [2, 0, 2]


def test_length_cut_and_bigrams():
    reader = TextReader.from_corpus(TOY, "spanish", max_length=2, ngrams=2)
    assert reader.tokens("muy malo bueno") == ["muy", "malo", "muy malo"]
    assert "muy malo" in reader.vocab and "malo bueno" not in reader.vocab
    trigrams = replace(reader, ngrams=3, max_length=None)
    assert trigrams.tokens("a b c") == ["a", "b", "c", "a b", "b c", "a b c"]


def test_examples_keep_texts_and_labels():
    reader = TextReader.from_corpus(TOY, "spanish")
    examples = reader.examples(TOY)
    assert reader.labels == ("neg", "pos")
    assert examples.labels[:5].tolist() == [1, 0, 0, 0, 1]
    assert [ids.tolist() for ids in examples.ids] == [reader.encode(text) for text in TOY.documents]


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda: TextReader.from_corpus(corpus([], [])), "ningún documento"),
        (lambda: TextReader.from_corpus(corpus(["a"], [])), "0 etiquetas"),
        (lambda: TextReader.from_corpus(corpus(["a", "b"], ["x", "x"])), "«x»"),
        (lambda: TextReader.from_corpus(TOY, "spacy"), "spacy"),
        (lambda: TextReader.from_corpus(TOY, max_length=0), "max_length=0"),
        (lambda: TextReader.from_corpus(TOY, ngrams=0), "ngrams=0"),
        (lambda: TextReader("spanish", Vocab(["a"]), ("x", "y")), "<pad>"),
        (lambda: TextReader.from_corpus(TOY).examples(corpus(["a"], ["raro"])), "«raro»"),
        (lambda: TextReader.from_corpus(TOY).examples(corpus([], [])), "ningún documento"),
        (lambda: split_corpus(corpus(["a"], ["x"]), torch.Generator()), "vacía"),
        (lambda: TfidfClassifier().fit(corpus(["a b"] * 3, ["x"] * 3)), "«x»"),
        (lambda: TfidfClassifier(min_freq=3).fit(corpus(["a", "b"], ["x", "y"])), "min_freq"),
        (lambda: TfidfClassifier("spacy"), "spacy"),
        (lambda: TfidfClassifier().log_probs(["a"]), "fit"),
        (lambda: split_corpus(TOY, torch.Generator(), math.nan), "nan"),
        (lambda: split_corpus(corpus(["a", "b"], ["x", None]), torch.Generator()), "None"),
        (lambda: BucketSampler([1, 2], 0, torch.Generator()), "no 0"),
        (lambda: TfidfClassifier().fit(corpus(["a b", 5], ["x", "y"])), "str|texto"),
    ],
)
def test_bad_corpora_are_explained(call, word):
    with pytest.raises(CourseError, match=word):
        call()


def reviews_loader(batch_size=16, seed=0):
    reader = TextReader.from_corpus(REVIEWS, "spanish", min_freq=2)
    return make_loader(reader.examples(REVIEWS), batch_size, torch.Generator().manual_seed(seed))


def test_loader_counts_batches_and_reshuffles():
    loader = reviews_loader()
    epochs = [list(loader) for _ in range(2)]
    assert len(loader) == len(epochs[0]) == math.ceil(len(REVIEWS.documents) / 16)
    assert len(BucketSampler([3] * 65, 64, torch.Generator())) == 2
    texts = [sorted(row[:n].tolist() for batch in epoch for row, n in zip(*batch[:2])) for epoch in epochs]
    assert texts[0] == texts[1]
    assert any(a[0].shape != b[0].shape or not a[0].equal(b[0]) for a, b in zip(*epochs))
    waste = np.mean([(ids == PAD).float().mean() for ids, _, _ in epochs[0]])
    assert waste < 0.1  # sin agrupar por largo sería tres veces más


# Entrenar y medir


def test_epoch_metrics_are_over_examples():
    """65 ejemplos en lotes de 64: el último, solo, pesa 1/65."""
    torch.manual_seed(0)
    model = BagOfEmbeddings(VOCAB_SIZE, NUM_CLASSES, 4)
    ids, lengths = padded([[2 + i % 9] for i in range(65)])
    labels = torch.arange(65) % NUM_CLASSES
    batches = [(ids[:64], lengths[:64], labels[:64]), (ids[64:], lengths[64:], labels[64:])]
    logits = model(ids, lengths)
    still = torch.optim.SGD(model.parameters(), lr=0.0)
    loss, accuracy = train_classifier_epoch(model, batches, still)
    assert loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    assert accuracy == (logits.argmax(1) == labels).sum().item() / 65
    assert evaluate(model, batches).loss == pytest.approx(loss, rel=1e-5)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20)), min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_evaluation_equals_scikit_learn(pairs):
    class Table(nn.Module):
        """Un modelo que da a cada índice unos logits fijos."""

        def __init__(self):
            super().__init__()
            generator = torch.Generator().manual_seed(0)
            self.logits = nn.Parameter(torch.randn(21, 3, generator=generator))

        def forward(self, ids, lengths):
            return self.logits[ids[:, 0]]

    labels, ids = (torch.tensor(part) for part in zip(*pairs))
    model = Table()
    done = evaluate(model, [(ids[:, None], torch.ones_like(ids), labels)])
    logits = model.logits[ids].detach()
    predicted = logits.argmax(1).numpy()
    truth = labels.numpy()
    np.testing.assert_array_equal(done.confusion, confusion_matrix(truth, predicted, labels=range(3)))
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, predicted, labels=range(3), zero_division=0
    )
    np.testing.assert_allclose(done.precision, precision)
    np.testing.assert_allclose(done.recall, recall)
    np.testing.assert_allclose(done.f1, f1)
    assert done.accuracy == pytest.approx(accuracy_score(truth, predicted))
    expected = log_loss(truth, logits.softmax(1).numpy(), labels=range(3))
    assert done.loss == pytest.approx(expected, rel=1e-4)


def test_evaluation_leaves_the_model_alone():
    model = gru().train()
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    batch = (*padded([[2, 3]]), torch.tensor([0]))
    assert evaluate(model, [batch]).loss == evaluate(model, [batch]).loss
    assert model.training
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def trained(model_of=lambda V: gru_of(V), num_epochs=2, lr=5e-3, **options):
    generator = seed_everything(3)
    train, held_out = split_corpus(REVIEWS, generator)
    reader = TextReader.from_corpus(train, "spanish", min_freq=2, max_length=30)
    model = model_of(len(reader.vocab))
    loaders = make_loader(reader.examples(train), 32, generator), make_loader(reader.examples(held_out), 64)
    optimizer = torch.optim.Adam(model.parameters(), lr)
    history = train_classifier(model, *loaders, optimizer, num_epochs=num_epochs, **options)
    return model, reader, loaders, history


def gru_of(V):
    return RecurrentClassifier(V, 2, embed_size=8, num_hiddens=8, num_layers=1)


def test_same_seed_same_figures():
    """También con dropout y con otra semilla global en medio."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        histories = [trained()[3] for _ in range(2)]
    finally:
        torch.set_num_threads(threads)
    figures = [(h.loss, h.accuracy, h.validation, h.validation_accuracy) for h in histories]
    assert figures[0] == figures[1]


def test_bag_learns_and_keeps_its_best_weights():
    """Con una tasa alta acaba sobreajustada: quedan los pesos de la mejor época."""
    model, reader, (_, held_out), history = trained(lambda V: BagOfEmbeddings(V, 2, 20), 15, lr=0.05)
    best = int(np.argmin(history.validation))
    assert best < 14 and len(history.loss) == len(history.accuracy) == 15
    assert evaluate(model, held_out).loss == pytest.approx(history.validation[best], rel=1e-5)
    assert evaluate(model, held_out).accuracy == history.validation_accuracy[best] > 0.6
    assert history.accuracy[-1] > 0.95 and not model.training
    assert all(0 <= value <= 1 for value in history.accuracy + history.validation_accuracy)


def test_patience_and_scheduler():
    rates = []

    class Recorder:
        def step(self):
            rates.append(1)

    *_, history = trained(lambda V: BagOfEmbeddings(V, 2, 20), 40, 0.05, patience=2, scheduler=Recorder())
    assert len(rates) == len(history.epoch) == int(np.argmin(history.validation)) + 3 < 40


def test_explosion_is_explained():
    with pytest.raises(CourseError, match="época 1 es (nan|inf).*explotó"):
        trained(lambda V: BagOfEmbeddings(V, 2, 4), lr=math.inf)


def test_pretrained_vectors_frozen_and_tuned():
    vocab = Vocab(["<unk>", "<pad>", "rey", "reina", "nada"], 0)
    vectors = {"rey": np.array([1.0, 2.0]), "reina": [3.0, 4.0], "otra": [0.0, 0.0]}
    for freeze in (True, False):
        torch.manual_seed(0)
        model = BagOfEmbeddings(5, 2, 2)
        before = model.embedding.weight.detach().clone()
        assert fill_embedding(model.embedding, vocab, vectors, freeze) == pytest.approx(2 / 3)
        assert model.embedding.weight[2:4].tolist() == [[1, 2], [3, 4]]
        assert torch.equal(model.embedding.weight[[0, 1, 4]], before[[0, 1, 4]])
        assert count_parameters(model) == (0 if freeze else 10) + 6
        after = model.embedding.weight.detach().clone()
        optimizer = torch.optim.SGD(model.parameters(), 1.0)
        train_classifier_epoch(model, [(*padded([[2, 3]]), torch.tensor([0]))], optimizer)
        assert torch.equal(model.embedding.weight, after) == freeze


@pytest.mark.parametrize(
    "tokens, vectors, word",
    [
        (["<unk>", "<pad>", "a"], {"z": [0.0, 0.0]}, "Ningún"),
        (["<unk>", "<pad>", "a"], {"a": [0.0] * 3}, "embed_size=3"),
        (["<unk>", "<pad>"], {"a": [0.0, 0.0]}, "3 filas"),
    ],
)
def test_vectors_that_do_not_fit_are_explained(tokens, vectors, word):
    with pytest.raises(CourseError, match=word):
        fill_embedding(nn.Embedding(3, 2), Vocab(tokens), vectors)


# Predecir y guardar


@pytest.fixture(scope="module")
def classifier():
    model, reader, *_ = trained(lambda V: BagOfEmbeddings(V, 2, 20), 6, lr=0.03)
    return TextClassifier(model, reader)


def test_predictions_agree(classifier):
    good, bad = "Una película maravillosa y emocionante", "Aburrida, torpe y sin gracia"
    assert predict_sentiment(classifier, good) > 0.5 > predict_sentiment(classifier, bad)
    assert (predict_topic(classifier, good), predict_topic(classifier, bad)) == ("pos", "neg")
    probabilities = predict(classifier, bad)
    assert list(probabilities) == ["neg", "pos"]
    assert sum(probabilities.values()) == pytest.approx(1)


def test_results_come_in_the_order_of_the_texts(classifier):
    texts = REVIEWS.documents[:70]
    together = classifier.log_probs(texts)
    alone = np.concatenate([classifier.log_probs([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("text", ["", "   ", "zzz qqq", "<pad> <unk>", "1" * 5000, "¡!"])
def test_any_text_has_a_prediction(classifier, text):
    assert 0 <= predict_sentiment(classifier, text) <= 1


def test_evaluating_a_corpus_equals_evaluating_its_batches(classifier):
    loader = make_loader(classifier.reader.examples(REVIEWS), 32)
    by_corpus, by_batches = evaluate_corpus(classifier, REVIEWS), evaluate(classifier.model, loader)
    assert by_corpus.loss == pytest.approx(by_batches.loss, rel=1e-5)
    np.testing.assert_array_equal(by_corpus.confusion, by_batches.confusion)


def test_tfidf_answers_the_same_questions():
    train, held_out = split_corpus(REVIEWS, torch.Generator().manual_seed(0))
    tfidf = TfidfClassifier("spanish").fit(train)
    assert evaluate_corpus(tfidf, held_out).accuracy > 0.65
    assert predict_sentiment(tfidf, "maravillosa") > 0.5 > predict_sentiment(tfidf, "torpe")
    for text in ("", "zzz"):
        assert sum(predict(tfidf, text).values()) == pytest.approx(1)
    np.testing.assert_allclose(
        np.exp(tfidf.log_probs(held_out.documents)),
        tfidf.regression.predict_proba(tfidf.vectorizer.transform(held_out.documents)),
    )


def test_tfidf_weights_are_the_slow_formula():
    """(1 + log tf) · (1 + log((1 + n) / (1 + df))), con cada texto de norma 1."""
    texts = ["la casa la la casa roja", "la casa", "el perro", "la nada"]
    model = TfidfClassifier("spanish", min_freq=2).fit(corpus(texts, "abab"))
    terms = ["casa", "la", "la casa"]  # palabras y parejas que están en dos textos
    assert model.vectorizer.get_feature_names_out().tolist() == terms
    for text, row in zip(texts, model.vectorizer.transform(texts).toarray()):
        tokens = text.split()
        tokens += [" ".join(pair) for pair in zip(tokens, tokens[1:])]
        df = [sum(term in other for other in texts) for term in terms]
        slow = np.array([
            (1 + math.log(tokens.count(term))) * (1 + math.log(5 / (1 + n)))
            if term in tokens else 0.0
            for term, n in zip(terms, df)
        ])  # fmt: skip
        np.testing.assert_allclose(row, slow / max(np.linalg.norm(slow), 1e-9))


@pytest.mark.parametrize("name", MODELS)
def test_saved_classifier_comes_back(name, tmp_path):
    tokens = ["<unk>", "<pad>", *"ñabcdefghi"]
    reader = TextReader("spanish", Vocab(tokens, 0), ("x", "y", "z"), max_length=7, ngrams=2)
    saved = TextClassifier(build(name), reader)
    saved.save(tmp_path / "nuevo")
    assert sorted(path.name for path in (tmp_path / "nuevo").iterdir()) == [
        "classifier.json", "model.safetensors",
    ]  # fmt: skip
    loaded = TextClassifier.load(tmp_path / "nuevo")
    texts = ["ñ a b", "", "c d e f g h i a b", "otra"]
    np.testing.assert_array_equal(loaded.log_probs(texts), saved.log_probs(texts))
    assert loaded.reader.vocab.get_itos() == tokens
    assert replace(loaded.reader, vocab=reader.vocab) == reader
    assert not loaded.model.training


def test_saving_again_never_leaves_half_a_classifier(classifier, tmp_path, monkeypatch):
    """Si se interrumpe al escribir los pesos, los que había siguen enteros."""
    classifier.save(tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    replace_file = os.replace

    def interrupted(source, target):
        if target.name == "model.safetensors":
            raise KeyboardInterrupt
        replace_file(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        classifier.save(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before


def damage(folder, **changes):
    path = folder / "classifier.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


@pytest.mark.parametrize(
    "harm, word",
    [
        (lambda folder: (folder / "model.safetensors").unlink(), "falta model.safetensors"),
        (lambda folder: (folder / "classifier.json").unlink(), "falta classifier.json"),
        (lambda folder: (folder / "classifier.json").write_text("{"), "dañado"),
        (lambda folder: (folder / "classifier.json").write_text("[]"), "dañado"),
        (lambda folder: (folder / "classifier.json").write_bytes(b"\xff"), "dañado"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"nada"), "dañado"),
        (lambda folder: damage(folder, model="Otra"), "dañado"),
        (lambda folder: damage(folder, model="VanillaRNN"), "dañado"),
        (lambda folder: damage(folder, labels=["neg", "pos", "nada"]), "3 clases"),
        (lambda folder: damage(folder, vocab=["<unk>", "<pad>"]), "2 tokens"),
        (lambda folder: damage(folder, vocab=["a"]), "dañado"),
    ],
)
def test_damaged_classifier_is_explained(classifier, tmp_path, harm, word):
    classifier.save(tmp_path)
    harm(tmp_path)
    with pytest.raises(CourseError, match=word) as caught:
        TextClassifier.load(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda c: c.log_probs("un texto"), "lista de textos"),
        (lambda c: c.log_probs([]), "lista de textos"),
        (lambda c: predict(c, 5), "str"),
        (lambda c: evaluate_corpus(c, corpus(["a"], ["raro"])), "«raro»"),
        (lambda c: TextClassifier(build("bag"), c.reader), "no van juntos"),
        (lambda c: TextClassifier.load("no/existe"), "no/existe"),
    ],
)
def test_bad_questions_are_explained(classifier, call, word):
    with pytest.raises(CourseError, match=word):
        call(classifier)


def test_sentiment_needs_its_class():
    reader = TextReader("spanish", Vocab(["<unk>", "<pad>", *"abcdefghij"], 0), ("x", "y", "z"))
    with pytest.raises(CourseError, match="x, y, z"):
        predict_sentiment(TextClassifier(build("bag"), reader), "a")


def test_a_net_of_ones_own_can_predict_but_not_be_saved(classifier, tmp_path):
    class Mine(BagOfEmbeddings):
        pass

    model = Mine(**classifier.model.settings)
    model.load_state_dict(classifier.model.state_dict())
    mine = TextClassifier(model.eval(), classifier.reader)
    assert predict(mine, "bien") == predict(classifier, "bien")
    with pytest.raises(CourseError, match="Mine"):
        mine.save(tmp_path)


def test_a_net_copied_into_a_notebook_can_be_saved(classifier, tmp_path):
    """En Colab el listado de la clase es una celda: el tipo es otro, y la red, la misma."""
    names = {"nn": nn, "NeuralClassifier": NeuralClassifier}
    exec(compile(inspect.getsource(BagOfEmbeddings), "celda", "exec"), names)  # noqa: S102
    model = names["BagOfEmbeddings"](**classifier.model.settings)
    model.load_state_dict(classifier.model.state_dict())
    TextClassifier(model.eval(), classifier.reader).save(tmp_path)
    assert predict(TextClassifier.load(tmp_path), "bien") == predict(classifier, "bien")


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def our_split(corpus):
    return split_corpus(corpus, torch.Generator().manual_seed(0))


def measured_on_its_own_reading(corpus):
    return corpus, corpus


@regression(ours=our_split, defective=measured_on_its_own_reading)
def test_validation_is_unseen(split):
    """Defecto: validar con lo mismo que se entrena."""
    texts = [f"texto {i}" for i in range(40)]
    train, held_out = split(Corpus("textos", "Textos", texts, True, "", ["a", "b"] * 20))
    assert not set(train.documents) & set(held_out.documents)
    assert sorted(train.documents + held_out.documents) == sorted(texts)


FEW_REVIEWS = Corpus(
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
    assert read(FEW_REVIEWS) == [1, 0, 0, 1] * 3
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
    """Defecto: el estado de después del relleno."""
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
    """Defecto: un relleno con embedding que se entrena."""
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
    """Defecto: el tamaño de otra red, o los estados de todas las capas."""
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
    """Defecto: la media de los lotes por 64 y entre N; la mejor racha de lotes, sin los últimos."""
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
    epoch, calls = prepare(FEW_REVIEWS), []
    with mock.patch.dict(TOKENIZERS, basic_english=lambda text: calls.append(text) or ["a"]):
        epoch()
    assert not calls


# --- Bayes ingenuo -----------------------------------------------------------------------------


@given(st.integers(0, 10**6), st.sampled_from([0.01, 0.5, 1.0, 3.0]))
@settings(max_examples=25, deadline=None)
def test_naive_bayes_is_the_one_of_sklearn(seed, k):
    from sklearn.naive_bayes import MultinomialNB

    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (12, 7))
    labels = np.concatenate([[0, 1, 2], rng.integers(0, 3, 9)])
    theirs = MultinomialNB(alpha=k).fit(counts, labels)
    log_prior, log_words = naive_bayes(counts, labels, 3, k)
    np.testing.assert_allclose(log_prior, theirs.class_log_prior_)
    np.testing.assert_allclose(log_words, theirs.feature_log_prob_)
    np.testing.assert_allclose(np.exp(log_words).sum(axis=1), 1)


def test_naive_bayes_by_hand():
    """Dos clases, con fracciones: los recuentos se ven a simple vista."""
    model = NaiveBayes("spanish").fit(corpus(["sol sol mar", "mar", "luna mar"], ["a", "a", "b"]))
    # V = sol, mar, luna. En a: 2, 2, 0 de 4; en b: 0, 1, 1 de 2. Se suma 1 a cada uno.
    a, b = 2 / 3 * (3 / 7) * (1 / 7), 1 / 3 * (1 / 5) * (2 / 5)
    np.testing.assert_allclose(np.exp(model.log_probs(["luna sol"])), [[a / (a + b), b / (a + b)]])
    twice = 2 / 3 * (3 / 7) ** 2, 1 / 3 * (1 / 5) ** 2  # una palabra repetida cuenta dos veces
    np.testing.assert_allclose(
        np.exp(model.log_probs(["sol sol"])), [np.array(twice) / sum(twice)]
    )


def test_naive_bayes_ignores_what_it_never_saw():
    model = NaiveBayes("spanish").fit(corpus(["sol sol", "mar", "luna"], ["a", "b", "b"]))
    known, mixed, none = model.log_probs(["sol", "sol nieve <pad>", "nieve"])
    np.testing.assert_allclose(known, mixed)
    np.testing.assert_allclose(np.exp(none), [1 / 3, 2 / 3])


def test_naive_bayes_counts_pairs_when_asked():
    """Estas cuatro no se separan por palabras; por parejas, sí."""
    texts = ["no aburre nunca", "aburre mucho", "divierte mucho", "no divierte nunca"]
    reviews = corpus(texts, ["pos", "neg", "pos", "neg"])
    words = NaiveBayes("spanish").fit(reviews).log_probs(texts)
    np.testing.assert_allclose(words, np.log(0.5))
    assert evaluate_corpus(NaiveBayes("spanish", ngrams=2).fit(reviews), reviews).accuracy == 1


def test_counted_words_are_those_of_the_text():
    reader = TextReader.from_corpus(corpus(["b a b", "c"], ["x", "y"]), "spanish")
    counts = count_words(["b b c", "d", ""], reader)
    assert counts.shape == (3, 3) and reader.vocab.get_itos()[2:] == ["b", "a", "c"]
    np.testing.assert_array_equal(counts.toarray(), [[2, 0, 1], [0, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    "action, message",
    [
        (lambda: NaiveBayes(k=0), "k=0"),
        (lambda: NaiveBayes(k=math.nan), "k=nan"),
        (lambda: NaiveBayes().log_probs(["a"]), "fit"),
        (lambda: NaiveBayes(min_freq=3).fit(corpus(["a", "b"], ["x", "y"])), "min_freq"),
        (lambda: NaiveBayes().fit(corpus(["a b"] * 3, ["x"] * 3)), "«x»"),
        (lambda: NaiveBayes("spacy").fit(corpus(["a", "b"], ["x", "y"])), "spacy"),
    ],
)
def test_naive_bayes_errors_are_clear(action, message):
    with pytest.raises(CourseError, match=message):
        action()


def test_tfidf_may_leave_the_pairs_out():
    reviews = corpus(["no aburre", "no aburre", "aburre no"], ["a", "a", "b"])
    for ngrams, features in ((1, {"no", "aburre"}), (2, {"no", "aburre", "no aburre"})):
        vectorizer = TfidfClassifier("spanish", ngrams=ngrams).fit(reviews).vectorizer
        assert set(vectorizer.vocabulary_) == features
