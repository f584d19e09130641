"""Los experimentos de Elman: las letras, la gramática de palabras y lo que la red descubre."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import fcluster, linkage
from torch import nn

from coursekit.data import elman_letters, elman_next_words, elman_sentences, invented_words
from coursekit.data.elman import SYLLABLES, TEMPLATES, WORD_CLASSES
from coursekit.errors import CourseError
from coursekit.recurrent import (
    GRUScratch,
    LanguageModel,
    RNNScratch,
    mean_states,
    mean_surprise,
)
from coursekit.text import Vocab, windows
from coursekit.training import fit, perplexity_by_stream

WORDS = [word for words in WORD_CLASSES.values() for word in words]
CLASSES = np.array([name for name, words in WORD_CLASSES.items() for _ in words])
VERBS = ["intransitivo", "transitivo", "movimiento", "percepción", "destrucción", "ingestión"]
LETTERS = "abdgiu"


def stream(num_sentences, seed):
    return [word for s in elman_sentences(num_sentences, np.random.default_rng(seed)) for word in s]


def train(model, ids, num_steps, batch_size, num_epochs, lr):
    generator = torch.Generator().manual_seed(0)

    def batches():
        X, Y = windows(ids, num_steps, generator)
        return zip(X.split(batch_size), Y.split(batch_size))

    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    fit(model, batches, optimizer, num_epochs=num_epochs, progress=False)
    return model


# --- Los textos ------------------------------------------------------------------------------


def test_letters_are_syllables_at_random():
    text = elman_letters(3000, np.random.default_rng(0))
    pieces = text.replace("b", " b").replace("d", " d").replace("g", " g").split()
    assert set(pieces) == {"ba", "dii", "guuu"} and len(pieces) == 3000
    followers = {(a, b): 0 for a, b in product(SYLLABLES.values(), repeat=2)}
    for pair in zip(pieces, pieces[1:]):
        followers[pair] += 1
    assert min(followers.values()) > 3000 / 9 * 0.8  # ninguna sílaba anuncia la que sigue
    again, other = (elman_letters(3000, np.random.default_rng(seed)) for seed in (0, 1))
    assert text == again != other


def test_invented_words():
    words = invented_words(500, 2, 6, np.random.default_rng(0))
    assert {len(word) for word in words} == {2, 3, 4, 5, 6} and len(words) == 500
    for word in words:
        assert not set(word[::2]) & set("aeiou") and set(word[1::2]) <= set("aeiou")
    assert words == invented_words(500, 2, 6, np.random.default_rng(0))
    assert words != invented_words(500, 2, 6, np.random.default_rng(1))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda rng: elman_letters(0, rng), "num_syllables es 0"),
        (lambda rng: invented_words(0, 2, 3, rng), "No hay 0 palabras"),
        (lambda rng: invented_words(5, 0, 3, rng), "de 0 a 3"),
        (lambda rng: invented_words(5, 4, 3, rng), "de 4 a 3"),
        (lambda rng: elman_next_words(["gato", "perro"], WORDS), "«perro»"),
        (lambda rng: elman_next_words(["come"], WORDS), "«come»"),  # no empieza una frase
        (lambda rng: elman_next_words(["gato", "come", "caja"], WORDS), "«caja»"),
    ],
)
def test_impossible_texts_are_explained(call, words):
    with pytest.raises(CourseError, match=words):
        call(np.random.default_rng(0))


def probability(words):
    """Suma lenta: todas las sucesiones de plantillas que cubren las palabras."""
    total = 0.0
    for sentences in product(TEMPLATES, repeat=(len(words) + 1) // 2):
        slots = [name for template in sentences for name in template][: len(words)]
        p = len(TEMPLATES) ** -len(sentences)
        for word, name in zip(words, slots):
            p *= (word in WORD_CLASSES[name]) / len(WORD_CLASSES[name])
        total += p
    return total


@pytest.mark.parametrize(
    "words", [[], ["niña"], ["niña", "sube"], ["niña", "sube", "caja"], ["ogro", "come", "gato", "caja"]]
)
def test_the_exact_distribution_equals_a_slow_sum(words):
    P = elman_next_words(words, WORDS)
    assert P.shape == (len(words) + 1, len(WORDS))
    for t in range(len(words) + 1):
        whole = probability(words[:t])
        for word in ("caja", "sube", "niña", "gato", "pan", "duerme"):
            slow = probability([*words[:t], word]) / whole
            assert P[t, WORDS.index(word)] == pytest.approx(slow, abs=1e-12)


def test_the_exact_distribution_is_one():
    P = elman_next_words(stream(200, 0), WORDS)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    assert P.min() == 0
    shuffled = WORDS[::-1]
    np.testing.assert_allclose(elman_next_words(["niña"], shuffled)[1][::-1], P_after("niña"))


def P_after(*words):
    return elman_next_words(list(words), WORDS)[-1]


# --- Mirar la red ----------------------------------------------------------------------------


@pytest.mark.parametrize("embedding", [False, True])
def test_means_equal_a_slow_loop(embedding):
    torch.manual_seed(0)
    table = nn.Embedding(5, 3) if embedding else None
    model = LanguageModel(GRUScratch(3 if embedding else 5, 4), 5, table)
    ids = torch.tensor([0, 3, 0, 1, 1, 3, 0, 2, 3])
    states, surprises, state = [[] for _ in range(5)], [[] for _ in range(5)], None
    with torch.no_grad():
        for symbol, following in zip(ids, [*ids[1:], None]):
            logits, state = model(symbol[None, None], state)
            states[symbol].append(state[0, 0])
            if following is not None:
                surprises[following].append(-logits[0, 0].log_softmax(0)[following])
    found, surprise = mean_states(model, ids), mean_surprise(model, ids.tolist())
    assert found.shape == (5, 4) and not found.requires_grad
    for symbol in range(4):
        torch.testing.assert_close(found[symbol], torch.stack(states[symbol]).mean(0))
        torch.testing.assert_close(surprise[symbol], torch.stack(surprises[symbol]).mean())
    assert found[4].isnan().all() and surprise[4].isnan()


@pytest.mark.parametrize("look", [mean_states, mean_surprise])
@pytest.mark.parametrize(
    "ids, words",
    [([1, 9], "índice 9"), ([0.0, 1.0], "float32"), ([[0, 1]], "forma"), ([], "vacías")],
)
def test_what_cannot_be_read_is_explained(look, ids, words):
    with pytest.raises(CourseError, match=words):
        look(LanguageModel(GRUScratch(5, 4), 5), ids)


def test_letter_errors_peak_at_consonants():
    """La figura de Elman: la consonante no se puede saber; después, el resto está dicho."""
    vocab = Vocab(list(LETTERS))
    texts = [elman_letters(n, np.random.default_rng(n)) for n in (600, 200)]
    ids, held_out = (torch.tensor(vocab(list(text))) for text in texts)
    torch.manual_seed(0)
    model = train(LanguageModel(RNNScratch(6, 20), 6), ids, 16, 32, 20, 0.02)
    surprise = mean_surprise(model, held_out)
    consonants = torch.tensor([letter in SYLLABLES for letter in LETTERS])
    assert surprise[~consonants].max() < 0.05
    assert surprise[consonants].mean().item() == pytest.approx(np.log(3), abs=0.1)
    one_by_one = -model.log_probs(held_out[None])[0, 10:]  # al principio no tiene memoria
    is_consonant = consonants[held_out[11:]]
    assert one_by_one[is_consonant].min() > one_by_one[~is_consonant].max()


@pytest.fixture(scope="module")
def grammar():
    """Red de Elman de 150 unidades que lee 10,000 frases, y el texto reservado."""
    vocab, held_out = Vocab(WORDS), stream(1000, 1)
    ids = torch.tensor(vocab(stream(10_000, 0)))
    torch.manual_seed(0)
    model = train(LanguageModel(RNNScratch(31, 150, sigma=0.1), 31), ids, 24, 16, 3, 0.003)
    return model, torch.tensor(vocab(held_out)), elman_next_words(held_out, WORDS)


def test_the_net_comes_near_the_exact_entropy(grammar):
    model, ids, P = grammar
    exact = -np.log(P[np.arange(len(ids)), ids])[1:].mean()
    frequencies = np.bincount(ids, minlength=31) / len(ids)
    unigram = -np.log(frequencies[ids]).mean()
    found = np.log(perplexity_by_stream(model, ids))
    assert exact < found < exact + 0.13  # no se puede hacer mejor; contar palabras, +1.2
    assert unigram > exact + 1


def test_the_net_gives_the_true_distribution(grammar):
    model, ids, P = grammar
    with torch.no_grad():
        Q = model(ids[None])[0][0].softmax(1).numpy()
    distance = np.abs(P[1:] - Q).sum(axis=1) / 2  # variación total
    assert distance.mean() < 0.15
    frequencies = np.bincount(ids, minlength=31) / len(ids)
    assert (np.abs(P[1:] - frequencies).sum(axis=1) / 2).mean() > 0.5


def test_neighbours_of_mean_states_share_the_class(grammar):
    model, ids, _ = grammar
    states = mean_states(model, ids)
    distances = torch.cdist(states, states).fill_diagonal_(torch.inf)
    share = (CLASSES == CLASSES[distances.argmin(dim=1)]).mean()
    chance = np.mean([(CLASSES == name).sum() - 1 for name in CLASSES]) / 30
    assert share > 0.9 and chance < 0.06


def test_clusters_separate_nouns_and_verbs(grammar):
    """Sujetos, objetos y verbos, sin que nadie haya dicho qué es un verbo."""
    model, ids, _ = grammar
    clusters = fcluster(linkage(mean_states(model, ids), "average"), 3, "maxclust")
    kinds = np.where(np.isin(CLASSES, VERBS), "verbo", "sujeto")
    kinds[np.isin(CLASSES, ["frágil", "comida"])] = "objeto"  # nunca comienzan una frase
    assert len(set(zip(clusters, kinds))) == 3
