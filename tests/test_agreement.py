"""`check` y la nota dicen lo mismo, con cualquier semilla, a quien responde con honradez.

Se juzgan las respuestas correctas, escritas de varias maneras; los errores clásicos de cada conjunto, y
otras equivocaciones que nadie apuntó: cada una con los casos públicos y con los de 200 semillas, o de 40
donde una sola respuesta entrena o remuestrea durante décimas de segundo.
"""

import lzma
import math
import re
import unicodedata
import warnings
from collections import Counter

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau, rankdata, spearmanr
from torch import nn

from conftest import as_a_student
from coursekit.embeddings import ppmi as packaged_ppmi
from coursekit.exercises.checking import PUBLIC_SEED
from coursekit.exercises.judging import RIGHT, Judge
from coursekit.exercises.running import run
from coursekit.exercises.sets import load_set, set_ids
from coursekit.recurrent import RNNScratch
from coursekit.text import spanish, without_accents

COUNTING = load_set("coocurrencia-ppmi")
count_pairs, ppmi = as_a_student(COUNTING.find("contar")), as_a_student(COUNTING.find("ppmi"))
READING = load_set("del-texto-a-los-numeros")
tokens, expand, longest_first, to_ids = (
    as_a_student(READING.find(id)) for id in ("tokens", "encliticos", "trozo_mas_largo", "detective")
)
CLITICS = "me te se nos os lo la le los las les".split()
GUESSING = load_set("word2vec")
tied_loss, draw_negatives, thinned, cbow_epoch, negative_step = (
    as_a_student(GUESSING.find(name))
    for name in ("un_solo_vector", "sorteo", "submuestreo", "epoca_cbow", "detective")
)
cosines = as_a_student(load_set("de-filas-a-vectores").find("cosenos"))
GLOVE = load_set("glove")
shared_vector, align, train = (as_a_student(GLOVE.find(id)) for id in ("un_vector", "cargar", "detective"))
next_letter, contexts, in_view, prepare = (
    as_a_student(load_set("contar-letras").find(id))
    for id in ("witten_bell", "continuaciones", "a_la_vista", "detective")
)
stream_bits = as_a_student(load_set("rnn-desde-cero").find("detective"))
SEEDS = ["grupo B, 2027"] + [f"semilla {number}" for number in range(199)]
SLOW = {
    ("contar-letras", "compresor"), ("de-filas-a-vectores", "direcciones"), ("evaluar-vectores", "intervalo"),
    ("gru", "comillas"), ("por-que-no-aprende", "detective"), ("por-que-no-aprende", "vanilla_rnn"),
    ("rnn-desde-cero", "frases"), ("sorpresa-y-gradiente", "detective"), ("ventana-que-aprende", "entrenar"),
}  # fmt: skip

# --- Otras maneras de acertar y de equivocarse -----------------------------------------------------

# De cada ejercicio, (respuestas correctas, respuestas equivocadas).
ANSWERS = {}


def answers(set_id, exercise_id):
    """Apunta las funciones de una clase: las de nombre `right…` aciertan y las demás no."""

    def add(cls):
        functions = {name: f for name, f in vars(cls).items() if not name.startswith("__")}
        ANSWERS[set_id, exercise_id] = functions
        return cls

    return add


@answers("coocurrencia-ppmi", "pmi_a_mano")
class _:
    right_rounded = (3, [2.0, 0, 0.3, 0, 3.42])
    right_with_array = (9, np.array([3.0, 0.0, 0.3, 0.0, 3.415]))
    nines = (0, [9, 9, 9, 9, 9])
    another_variant = (2, [2.0, 0.0, 0.415, 0.0, 3.0])
    without_variant = [2.0, 0.0, 0.415, 0.0, 3.0]
    decimal_comma = (0, [2, 0, 0, 415, 0, 3])
    half_clipped = (0, [2.0, math.log2(6 / 9), 0.415, 0.0, 3.0])
    bound_of_the_word = (0, [2.0, 0.0, 0.415, 0.0, 2.0])
    bound_as_a_ratio = (0, [2.0, 0.0, 0.415, 0.0, 8.0])
    without_the_bound = (0, [2.0, 0.0, 0.415, 0.0])
    without_the_logarithm = (0, [4.0, 0.0, 1.333, 0.0, 3.0])


@answers("coocurrencia-ppmi", "contar")
class _:
    def right_by_slices(sentences, window):
        counts = {}
        for sentence in sentences:
            for i, word in enumerate(sentence):
                for context in sentence[max(i - window, 0) : i] + sentence[i + 1 : i + 1 + window]:
                    counts[word, context] = counts.get((word, context), 0) + 1
        return counts

    def right_by_distance(sentences, window):
        counts = Counter()
        for sentence in sentences:
            for distance in range(1, window + 1):
                for pair in zip(sentence, sentence[distance:]):
                    counts[pair] += 1
                    counts[pair[::-1]] += 1
        return counts

    def once_per_sentence(sentences, window):
        counts = Counter()
        for sentence in sentences:
            counts.update(count_pairs([sentence], window).keys())
        return dict(counts)

    def unordered(sentences, window):
        return {pair: n for pair, n in count_pairs(sentences, window).items() if pair[0] <= pair[1]}

    def left_only(sentences, window):
        counts = Counter()
        for sentence in sentences:
            for i, word in enumerate(sentence):
                counts.update((word, context) for context in sentence[max(0, i - window) : i])
        return dict(counts)

    def stops_before_the_last(sentences, window):
        return count_pairs([sentence[:-1] for sentence in sentences], window)

    def needs_a_word(sentences, window):
        return count_pairs([sentence for sentence in sentences if sentence[0]], window)

    def only_the_edge(sentences, window):
        counts = Counter()
        for sentence in sentences:
            for a, b in zip(sentence, sentence[window:]):
                counts[a, b] += 1
                counts[b, a] += 1
        return dict(counts)

    def all_pairs_at_zero(sentences, window):
        words = {word for sentence in sentences for word in sentence}
        return {(a, b): 0 for a in words for b in words} | count_pairs(sentences, window)


@answers("coocurrencia-ppmi", "ppmi")
class _:
    def right_by_loops(counts):
        rows, columns, total = counts.sum(1), counts.sum(0), counts.sum()
        result = [[0.0] * counts.shape[1] for _ in range(counts.shape[0])]
        for i, j in zip(*np.nonzero(counts)):
            result[i][j] = max(0.0, math.log2(counts[i, j] * total / (rows[i] * columns[j])))
        return result

    def right_by_probabilities(counts):
        joint = counts / counts.sum()
        with np.errstate(all="ignore"):
            pmi = np.log2(joint / np.outer(joint.sum(1), joint.sum(0)))
        return np.where(counts > 0, np.maximum(pmi, 0), 0)

    def smoothed(counts):
        return ppmi(counts + 1e-9)

    def smoothed_by_a_ten_thousandth(counts):
        return ppmi(counts + 1e-4)

    def transposed(counts):
        return ppmi(counts.T).T if counts.shape[0] != counts.shape[1] else ppmi(counts.T)

    def square_only(counts):
        result = np.zeros((len(counts), len(counts)))
        result[:] = ppmi(counts)
        return result

    def truncated(counts):
        return ppmi(counts.astype(int))

    def absolute(counts):
        expected = np.outer(counts.sum(1), counts.sum(0))
        return np.abs(np.log2(np.where(counts > 0, counts * counts.sum() / np.maximum(expected, 1e-9), 1)))

    def package(counts):
        return packaged_ppmi(counts)

    def package_inside(counts):
        from coursekit.embeddings import ppmi

        return ppmi(counts)


@answers("coocurrencia-ppmi", "asociaciones")
class _:
    def right_by_key(word, words, matrix, k):
        weights = dict(zip(words, matrix[words.index(word)]))
        others = [other for other in words if other != word and weights[other] > 0]
        return sorted(others, key=lambda other: (-weights[other], other))[:k]

    def right_by_two_sorts(word, words, matrix, k):
        row = matrix[words.index(word)]
        order = sorted(range(len(words)), key=lambda i: words[i])
        order.sort(key=lambda i: row[i], reverse=True)
        return [words[i] for i in order if row[i] > 0 and words[i] != word][:k]

    def by_column(word, words, matrix, k):
        weights = dict(zip(words, matrix[:, words.index(word)]))
        others = [other for other in words if other != word and weights[other] > 0]
        return sorted(others, key=lambda other: (-weights[other], other))[:k]

    def row_plus_column(word, words, matrix, k):
        weights = dict(zip(words, matrix[words.index(word)] + matrix[:, words.index(word)]))
        others = [other for other in words if other != word and weights[other] > 0]
        return sorted(others, key=lambda other: (-weights[other], other))[:k]

    def one_more_then_drop(word, words, matrix, k):
        row = matrix[words.index(word)]
        best = sorted((-weight, other) for other, weight in zip(words, row))[: k + 1]
        return [other for weight, other in best if weight < 0 and other != word]

    def by_argsort(word, words, matrix, k):
        row = matrix[words.index(word)]
        return [words[i] for i in np.argsort(-row, kind="stable") if row[i] > 0 and words[i] != word][:k]

    def fills_up_to_k(word, words, matrix, k):
        row = matrix[words.index(word)]
        best = sorted((-weight, other) for other, weight in zip(words, row) if other != word)
        return [other for _, other in best[:k]]

    def with_weights(word, words, matrix, k):
        row = matrix[words.index(word)]
        best = sorted((-weight, other) for other, weight in zip(words, row) if weight > 0 and other != word)
        return best[:k]

    def diagonal_zeroed_then_cut(word, words, matrix, k):
        row = matrix[words.index(word)]
        return [other for weight, other in sorted((-w, o) for o, w in zip(words, row))[1 : k + 1] if weight]


@answers("coocurrencia-ppmi", "ventanas")
class _:
    def right_by_distance(sentences, small, large):
        def seen(window):
            return {
                tuple(sorted(pair))
                for sentence in sentences
                for distance in range(1, window + 1)
                for pair in zip(sentence, sentence[distance:])
            }

        return sorted(seen(large) - seen(small))

    def set_of_pairs(sentences, small, large):
        added = count_pairs(sentences, large).keys() - count_pairs(sentences, small).keys()
        return {tuple(sorted(pair)) for pair in added}

    def unsorted_inside(sentences, small, large):
        added = count_pairs(sentences, large).keys() - count_pairs(sentences, small).keys()
        return sorted({pair for pair in added if added and pair[0] >= pair[1]})

    def never_with_itself(sentences, small, large):
        added = count_pairs(sentences, large).keys() - count_pairs(sentences, small).keys()
        return sorted({tuple(sorted(pair)) for pair in added if pair[0] != pair[1]})

    def only_growing_pairs(sentences, small, large):
        added = count_pairs(sentences, large).keys() - count_pairs(sentences, small).keys()
        return sorted(pair for pair in added if pair[0] < pair[1])

    def by_sentence(sentences, small, large):
        added = set()
        for sentence in sentences:
            added |= count_pairs([sentence], large).keys() - count_pairs([sentence], small).keys()
        return sorted({tuple(sorted(pair)) for pair in added})

    def difference_of_windows(sentences, small, large):
        return sorted({tuple(sorted(pair)) for pair in count_pairs(sentences, large - small)})


def _smoothed(counts, alpha, words=None, total=None, clip=lambda pmi: np.maximum(pmi, 0)):
    N_w, N_c = counts.sum(1, keepdims=True), counts.sum(0, keepdims=True) ** alpha
    expected = (words or (lambda N: N))(N_w) * N_c / (total or np.sum)(N_c)
    return clip(np.log2(np.divide(counts, expected, where=counts > 0, out=np.ones(counts.shape))))


@answers("coocurrencia-ppmi", "detective")
class _:
    def right_by_loops(counts, alpha):
        rows, columns = counts.sum(1), counts.sum(0) ** alpha
        result = np.zeros(counts.shape)
        for i, j in zip(*np.nonzero(counts)):
            ratio = counts[i, j] * columns.sum() / (rows[i] * columns[j])
            result[i, j] = max(0.0, math.log2(ratio))
        return result

    def right_by_probabilities(counts, alpha):
        joint, columns = counts / counts.sum(), counts.sum(0) ** alpha
        with np.errstate(all="ignore"):
            pmi = np.log2(joint / np.outer(joint.sum(1), columns / columns.sum()))
        return np.where(counts > 0, np.maximum(pmi, 0), 0)

    def words_instead_of_contexts(counts, alpha):
        return _smoothed(counts.T, alpha).T

    def exponent_on_the_pair(counts, alpha):
        return _smoothed(counts, alpha) * alpha

    def largest_context(counts, alpha):
        return _smoothed(counts, alpha, total=np.max)

    def negative_kept(counts, alpha):
        return _smoothed(counts, alpha, clip=lambda pmi: pmi)

    def rounded_counts(counts, alpha):
        return _smoothed(counts, round(alpha))

    def one_more(counts, alpha):
        return _smoothed(counts + 1, alpha)

    def natural(counts, alpha):
        return _smoothed(counts, alpha) * math.log(2)

    def only_three_quarters(counts, alpha):
        return _smoothed(counts, 0.75)


@answers("de-filas-a-vectores", "cosenos_a_mano")
class _:
    right_rounded = (3, [17, 0.83, 0.957, 0])
    right_with_array = (5, np.array([37.0, 0.6136, 0.89822, 0.0]))
    nines = (0, [9, 9, 9, 9])
    another_variant = (1, [5.0, 0.96, 0.99, 0.0])
    without_variant = [5.0, 0.96, 0.99, 0.0]
    in_degrees = (0, [5.0, 16.26, 8.13, 90.0])
    in_per_cent = (0, [5.0, 96, 99, 0])
    three = (0, [5.0, 0.96, 0.99])


@answers("de-filas-a-vectores", "cosenos")
class _:
    def right_by_loops(rows):
        result = np.zeros((len(rows), len(rows)))
        for i, u in enumerate(rows):
            for j, v in enumerate(rows):
                size = math.sqrt((u * u).sum()) * math.sqrt((v * v).sum())
                result[i, j] = u @ v / size if size else 0
        return result

    def right_by_dots(rows):
        dots = rows @ rows.T
        norms = np.sqrt(np.diag(dots))
        norms[norms == 0] = 1
        return (dots / np.outer(norms, norms)).tolist()

    def transposed(rows):
        return cosines(rows.T)

    def diagonal_of_ones(rows):
        result = cosines(rows)
        np.fill_diagonal(result, 1)
        return result

    def clipped(rows):
        return np.maximum(cosines(rows), 0)

    def centred(rows):
        return cosines(rows - rows.mean(axis=1, keepdims=True))

    def distances(rows):
        return 1 - cosines(rows)

    def angles(rows):
        return np.arccos(np.clip(cosines(rows), -1, 1))

    def one_norm_for_all(rows):
        return rows @ rows.T / np.linalg.norm(rows) ** 2


@answers("de-filas-a-vectores", "vecinos")
class _:
    def right_by_two_sorts(word, words, vectors, k):
        row, size = cosines(vectors)[words.index(word)], np.linalg.norm(vectors, axis=1)
        order = np.argsort(-row)
        return [words[i] for i in order if size[i] > 0 and words[i] != word][:k]

    def with_cosines(word, words, vectors, k):
        row = cosines(vectors)[words.index(word)]
        return sorted(zip(row, words), reverse=True)[1 : k + 1]

    def only_positive(word, words, vectors, k):
        row = cosines(vectors)[words.index(word)]
        pairs = sorted((-x, other) for x, other in zip(row, words) if x > 0 and other != word)
        return [other for _, other in pairs][:k]

    def cut_before_dropping(word, words, vectors, k):
        row = cosines(vectors)[words.index(word)]
        return [words[i] for i in np.argsort(-row)[:k] if words[i] != word]

    def by_columns(word, words, vectors, k):
        values = np.abs(vectors - vectors[words.index(word)]).sum(axis=1)
        return [words[i] for i in np.argsort(values)[1 : k + 1]]

    def always_k(word, words, vectors, k):
        row = cosines(vectors)[words.index(word)]
        return ([words[i] for i in np.argsort(-row) if words[i] != word] + words)[:k]


@answers("de-filas-a-vectores", "diferencia")
class _:
    def right_by_loops(first, second, draws):
        means = [sum(second[i] - first[i] for i in draw) / len(draw) for draw in draws]
        return [np.mean(second) - np.mean(first), *np.percentile(means, [2.5, 97.5])]

    def right_by_quantiles(first, second, draws):
        means = second[draws].mean(1) - first[draws].mean(1)
        return (second.mean() - first.mean(), np.quantile(means, 0.025), np.quantile(means, 0.975))

    def independent(first, second, draws):
        means = second[draws].mean(1) - first[np.roll(draws, 1, axis=0)].mean(1)
        return second.mean() - first.mean(), *np.percentile(means, [2.5, 97.5])

    def two_errors(first, second, draws):
        means = (second - first)[draws].mean(1)
        return means.mean(), means.mean() - 2 * means.std(), means.mean() + 2 * means.std()

    def extremes(first, second, draws):
        means = (second - first)[draws].mean(1)
        return (second - first).mean(), means.min(), means.max()

    def only_the_interval(first, second, draws):
        return tuple(np.percentile((second - first)[draws].mean(1), [2.5, 97.5]))

    def of_the_questions(first, second, draws):
        difference = second - first
        return difference.mean(), *np.percentile(difference, [2.5, 97.5])

    def in_points(first, second, draws):
        difference = 100 * (second - first)
        return difference.mean(), *np.percentile(difference[draws].mean(1), [2.5, 97.5])


@answers("de-filas-a-vectores", "direcciones")
class _:
    def right_by_while(matrix, share):
        S = np.linalg.svd(matrix)[1] ** 2
        d = 1
        while S[:d].sum() / S.sum() < share:
            d += 1
        return d

    def right_by_eigenvalues(matrix, share):
        values = np.sort(np.linalg.eigvalsh(matrix @ matrix.T))[::-1]
        return int(np.searchsorted(np.cumsum(values) / values.sum(), share)) + 1

    def from_the_small_end(matrix, share):
        S = np.sort(np.linalg.svd(matrix, compute_uv=False) ** 2)
        return int((np.cumsum(S) / S.sum() < share).sum()) + 1

    def centred(matrix, share):
        S = np.linalg.svd(matrix - matrix.mean(axis=0), compute_uv=False) ** 2
        return int((np.cumsum(S) / S.sum() < share).sum()) + 1

    def share_of_directions(matrix, share):
        return math.ceil(share * min(matrix.shape))

    def above_the_mean(matrix, share):
        S = np.linalg.svd(matrix, compute_uv=False)
        return int((S > S.mean()).sum())


def _cosines(weights, dim, normed=None, power=0.5):
    U, S, _ = np.linalg.svd(weights)
    vectors = (U * S**power)[:, :dim]
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if normed:
        return normed(vectors, norms)
    vectors = np.divide(vectors, norms, where=norms > 0, out=np.zeros(vectors.shape))
    return vectors @ vectors.T


@answers("de-filas-a-vectores", "detective")
class _:
    def right_by_loops(weights, dim):
        U, S, _ = np.linalg.svd(weights, full_matrices=False)
        vectors = U[:, :dim] @ np.diag(np.sqrt(S[:dim]))
        result = np.zeros(weights.shape)
        for i, u in enumerate(vectors):
            for j, v in enumerate(vectors):
                size = np.linalg.norm(u) * np.linalg.norm(v)
                result[i, j] = u @ v / size if size > 0 else 0
        return result

    def right_with_threshold(weights, dim):
        return _cosines(weights, dim, lambda v, n: (v / np.maximum(n, 1e-9)) @ (v / np.maximum(n, 1e-9)).T)

    def unguarded(weights, dim):
        return _cosines(weights, dim, lambda v, n: (v / n) @ (v / n).T)

    def columns(weights, dim):
        U, S, Vt = np.linalg.svd(weights)
        vectors = (Vt * np.sqrt(S)[:, None])[:dim].T
        return vectors @ vectors.T

    def dots(weights, dim):
        return _cosines(weights, dim, lambda v, n: v @ v.T)

    def unweighted(weights, dim):
        return _cosines(weights, dim, power=0)

    def not_truncated(weights, dim):
        return _cosines(weights, len(weights))

    def symmetric(weights, dim):
        return _cosines((weights + weights.T) / 2, dim)

    def diagonal_of_ones(weights, dim):
        result = _cosines(weights, dim)
        np.fill_diagonal(result, 1)
        return result


@answers("del-texto-a-los-numeros", "uniones_a_mano")
class _:
    right_floats = (1, [14.0, 12.0, 41.0, 3.0])
    right_with_array = (2, np.array([13, 12, 35, 4]))
    nines = (0, [9, 9, 9, 9])
    another_variant = (3, [15, 11, 41, 4])
    without_variant = [15, 11, 41, 4]
    all_pieces_of_the_word = (0, [15, 11, 67, 4])
    second_merge_where_it_is_not = (4, [14, 11, 41, 3])
    second_merge_forgotten_in_olas = (1, [14, 12, 41, 4])


@answers("del-texto-a-los-numeros", "tokens")
class _:
    def right_by_loop(text):
        found, rest = [], unicodedata.normalize("NFC", text).lower().strip()
        while rest:
            token = re.match(r"\d+([.,]\d+)+|[^\W_]+|.", rest)[0]
            found.append(token)
            rest = rest[len(token) :].lstrip()
        return found

    def right_lowering_first(text):
        text = unicodedata.normalize("NFC", text.lower())
        return [m.group() for m in re.finditer(r"\d+(?:[,.]\d+)+|[^_\W]+|[^\s]", text)]

    def by_spaces(text):
        return unicodedata.normalize("NFC", text).lower().split()

    def words_only(text):
        return re.findall(r"\w+", unicodedata.normalize("NFC", text).lower())

    def commas_only(text):
        return re.findall(r"\d+(?:,\d+)+|[^\W_]+|\S", unicodedata.normalize("NFC", text).lower())

    def one_group(text):
        return re.findall(r"\d+(?:[.,]\d+)?|[^\W_]+|\S", unicodedata.normalize("NFC", text).lower())

    def without_accents(text):
        return tokens(without_accents(text))

    def digits_before_words(text):
        return re.findall(r"\d+(?:[.,]\d+)*|[^\W_]+|\S", unicodedata.normalize("NFC", text).lower())

    def closed_alphabet(text):
        found = r"\d+(?:[.,]\d+)+|[a-z0-9ñáéíóúü]+|\S"
        return re.findall(found, unicodedata.normalize("NFC", text).lower())

    def decomposed(text):
        return re.findall(r"\d+(?:[.,]\d+)+|[^\W_]+|\S", unicodedata.normalize("NFD", text).lower())

    def package(text):
        return spanish(text)


@answers("del-texto-a-los-numeros", "tildes")
class _:
    def right_by_table(text):
        return unicodedata.normalize("NFC", text).translate(str.maketrans("áéíóúüÁÉÍÓÚÜ", "aeiouuAEIOUU"))

    def right_by_two_replacements(text):
        text = unicodedata.normalize("NFD", text).replace("\u0301", "").replace("\u0308", "")
        return unicodedata.normalize("NFC", text)

    def keeping_one_mark(text):
        marks = [c for c in unicodedata.normalize("NFD", text)
                 if not unicodedata.combining(c) or c == "\u0303"]  # fmt: skip
        return unicodedata.normalize("NFC", "".join(marks))

    def hiding_the_enye(text):
        text = unicodedata.normalize("NFC", text).replace("ñ", "\0").replace("Ñ", "\1")
        return without_accents(text).replace("\0", "ñ").replace("\1", "Ñ")

    def small_letters_only(text):
        return unicodedata.normalize("NFC", text).translate(str.maketrans("áéíóúü", "aeiouu"))

    def table_without_composing(text):
        return text.translate(str.maketrans("áéíóúüÁÉÍÓÚÜ", "aeiouuAEIOUU"))

    def to_ascii(text):
        return unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode()

    def package(text):
        return without_accents(text)


@answers("del-texto-a-los-numeros", "encliticos")
class _:
    def right_from_the_end(word):
        if word in {"del": 1, "al": 1}:
            return {"del": ["de", "el"], "al": ["a", "el"]}[word]
        place = max(word.find("ándo"), word.find("éndo"))
        if word[place] == "é" and word[place - 1] not in "iyñ" and word[place - 2 : place] != "ll":
            place = -1
        rest, clitics = word[place + 4 :], []
        while place > 0 and rest:
            size = next((n for n in (3, 2) if rest[:n] in CLITICS), None)
            if size is None or len(clitics) == 2:
                return [word]
            clitics.append(rest[:size])
            rest = rest[size:]
        stem = word[:place] + word[place].translate(str.maketrans("áé", "ae")) + "ndo"
        return [stem, *clitics] if clitics else [word]

    def only_after_i_or_y(word):
        return [word] if re.search("[^iy]éndo", word) else expand(word)

    def never_after_ll(word):
        return [word] if "lléndo" in word else expand(word)

    def every_mark_of_the_gerund(word):
        parts = expand(word)
        return [without_accents(parts[0]), *parts[1:]] if len(parts) > 1 else parts

    def up_to_three_clitics(word):
        shorter = re.fullmatch("(.+ndo.+?)(" + "|".join(CLITICS) + ")", word)
        if shorter and len(expand(word)) == 1 and len(expand(shorter[1])) > 1:
            return [*expand(shorter[1]), shorter[2]]
        return expand(word)

    def one_l_is_enough(word):
        if re.search("[^l]léndo", word):
            return [w.replace("ll", "l") for w in expand(word.replace("léndo", "lléndo"))]
        return expand(word)

    def contractions_only(word):
        return {"del": ["de", "el"], "al": ["a", "el"]}.get(word, [word])

    def no_contractions(word):
        return [word] if word in ("del", "al") else expand(word)

    def only_ando(word):
        return [word] if "éndo" in word else expand(word)

    def any_tail(word):
        found = re.fullmatch("(.+)([áé])ndo(.*)", word)
        return [*expand(word)[:1], found[3]] if found else expand(word)

    def drops_the_clitics(word):
        return expand(word)[:1] if "ndo" in word else expand(word)

    def a_string(word):
        return " ".join(expand(word))

    def six_clitics(word):
        found = re.fullmatch("(.+)([áé])ndo((?:me|te|se|lo|la|le)+)", word)
        return expand(word) if found else [word]

    def any_accented_vowel(word):
        found = re.fullmatch("(.+)([áéíóú])ndo((?:nos|los|las|les|os|me|te|se|lo|la|le)+)", word)
        return [without_accents(found[1] + found[2]) + "ndo", found[3]] if found else expand(word)


@answers("del-texto-a-los-numeros", "trozo_mas_largo")
class _:
    def right_by_sorting(word, inventory):
        found = []
        while word:
            fits = sorted((piece for piece in inventory if word.startswith(piece)), key=len)
            found.append(fits[-1] if fits else "<unk>")
            word = word[len(fits[-1]) if fits else 1 :]
        return found

    def right_by_expression(word, inventory):
        options = "|".join(map(re.escape, sorted(inventory, key=len, reverse=True)))
        return [m[1] or "<unk>" for m in re.finditer(f"({options})|.", word)]

    def first_that_fits(word, inventory):
        found = []
        while word:
            fits = [piece for piece in inventory if word.startswith(piece)]
            found.append(fits[0] if fits else "<unk>")
            word = word[len(fits[0]) if fits else 1 :]
        return found

    def longest_anywhere(word, inventory):
        for piece in sorted(inventory, key=len, reverse=True):
            word = re.sub(f"{piece}(?![^<]*>)", f"<{piece}>", word)
        return [m[1] or "<unk>" for m in re.finditer("<(.+?)>|.", word)]

    def four_letters_at_most(word, inventory):
        return longest_first(word, [piece for piece in inventory if len(piece) <= 4])

    def from_the_right(word, inventory):
        backwards = longest_first(word[::-1], [piece[::-1] for piece in inventory])
        return [p if p == "<unk>" else p[::-1] for p in backwards[::-1]]

    def whole_or_letters(word, inventory):
        return [word] if word in inventory else [c if c in inventory else "<unk>" for c in word]

    def joins_unknowns(word, inventory):
        return re.sub("(<unk> ?)+", "<unk> ", " ".join(longest_first(word, inventory))).split()

    def letters(word, inventory):
        return [c if c in inventory else "<unk>" for c in word]


@answers("del-texto-a-los-numeros", "detective")
class _:
    def right_by_most_common(train, test, min_freq):
        order = sorted(Counter(train).items(), key=lambda pair: (-pair[1], pair[0]))
        kept = ["<unk>"] + [word for word, times in order if times >= min_freq]
        return [kept.index(word) if word in kept else 0 for word in test]

    def from_zero(train, test, min_freq):
        return [max(0, row - 1) for row in to_ids(train, test, min_freq)]

    def minus_one(train, test, min_freq):
        return [row or -1 for row in to_ids(train, test, min_freq)]

    def rarest_first(train, test, min_freq):
        last = max(to_ids(train, train, min_freq), default=0)
        return [row and last + 1 - row for row in to_ids(train, test, min_freq)]

    def as_read(train, test, min_freq):
        kept = ["<unk>"] + [w for w in dict.fromkeys(train) if train.count(w) >= min_freq]
        return [kept.index(word) if word in kept else 0 for word in test]


@answers("glove", "paso_a_mano")
class _:
    right_rounded = (1, [0.354, 1.114, 1.181, 0.771])
    right_with_array = (7, np.array([0.3536, 0.1137, 0.1206, 0.9641]))
    another_variant = (0, [0.354, 1.114, 1.181, 0.771])
    without_variant = [0.125, 2.5, 0.938, 0.795]
    decimal_logarithm = (1, [0.354, 2.5 - math.log10(4), 2.013, 0.7313])
    without_the_context = (9, [0.6495, -0.1972, -0.2562, 0.0745])
    plain_gradient = (0, [0.125, 2.5, 0.9375, 0.7188])


def _rows_of(sentences, word, window):
    return Counter(context for (w, context), n in count_pairs(sentences, window).items()
                   for _ in range(n) if w == word)  # fmt: skip


@answers("glove", "sondas")
class _:
    def right_by_pairs(sentences, word, other, probes, window):
        a, b = _rows_of(sentences, word, window), _rows_of(sentences, other, window)
        return {k: a[k] * b.total() / (a.total() * b[k]) for k in probes if a[k] and b[k]}

    def over_appearances(sentences, word, other, probes, window):
        a, b = _rows_of(sentences, word, window), _rows_of(sentences, other, window)
        times = Counter(w for sentence in sentences for w in sentence)
        return {k: a[k] / times[word] / (b[k] / times[other]) for k in probes if a[k] and b[k]}

    def adds_one(sentences, word, other, probes, window):
        a, b = _rows_of(sentences, word, window), _rows_of(sentences, other, window)
        return {k: (a[k] + 1) / a.total() / ((b[k] + 1) / b.total()) for k in probes}

    def logarithm(sentences, word, other, probes, window):
        a, b = _rows_of(sentences, word, window), _rows_of(sentences, other, window)
        return {k: math.log(a[k] * b.total() / (a.total() * b[k])) for k in probes if a[k] and b[k]}

    def only_probes_in_the_total(sentences, word, other, probes, window):
        a, b = _rows_of(sentences, word, window), _rows_of(sentences, other, window)
        first, second = (sum(row[k] for k in probes) for row in (a, b))
        return {k: a[k] / first / (b[k] / second) for k in probes if a[k] and b[k]}

    def crosses_sentences(sentences, word, other, probes, window):
        a, b = (_rows_of([sum(sentences, [])], w, window) for w in (word, other))
        return {k: a[k] * b.total() / (a.total() * b[k]) for k in probes if a[k] and b[k]}


@answers("glove", "un_vector")
class _:
    def right_by_loops(counts, E, b, x_max):
        loss, dE, db = 0.0, np.zeros_like(E), np.zeros_like(b)
        for w, v in zip(*np.nonzero(counts)):
            weight = min((counts[w, v] / x_max) ** 0.75, 1)
            error = E[w] @ E[v] + b[w] + b[v] - math.log(counts[w, v])
            loss += weight * error**2
            dE[w] += 2 * weight * error * E[v]
            dE[v] += 2 * weight * error * E[w]
            db[w] += 2 * weight * error
            db[v] += 2 * weight * error
        return loss, dE, db

    def right_by_autograd(counts, E, b, x_max):
        x, (E, b) = torch.tensor(counts), (torch.tensor(table, requires_grad=True) for table in (E, b))
        w, v = x.nonzero(as_tuple=True)
        error = (E[w] * E[v]).sum(1) + b[w] + b[v] - x[w, v].log()
        loss = ((x[w, v] / x_max) ** 0.75).clamp(max=1) @ error**2
        loss.backward()
        return loss, E.grad, b.grad

    def skips_the_diagonal(counts, E, b, x_max):
        return shared_vector(counts * (1 - np.eye(len(counts))), E, b, x_max)

    def mean_instead_of_sum(counts, E, b, x_max):
        return [value / max(1, np.count_nonzero(counts)) for value in shared_vector(counts, E, b, x_max)]

    def symmetrised(counts, E, b, x_max):
        return shared_vector((counts + counts.T) / 2, E, b, x_max)

    def fixed_x_max(counts, E, b, x_max):
        return shared_vector(counts, E, b, 10)

    def only_the_loss(counts, E, b, x_max):
        return shared_vector(counts, E, b, x_max)[0]


@answers("glove", "pmi_del_modelo")
class _:
    def right_in_logarithms(W, C, b, c):
        logs = (W @ C.T + b[:, None] + c) / math.log(2)
        rows, columns = (np.log2((2**logs).sum(axis)) for axis in (1, 0))
        return logs + np.log2((2**logs).sum()) - rows[:, None] - columns

    def subtracts_the_biases(W, C, b, c):
        return (W @ C.T - b[:, None] - c) / math.log(2)

    def rows_for_both(W, C, b, c):
        counts = np.exp(W @ C.T + b[:, None] + c)
        return np.log2(counts * counts.sum() / counts.sum(1, keepdims=True) ** 2)

    def centred(W, C, b, c):
        P = W @ C.T / math.log(2)
        return P - P.mean(1, keepdims=True) - P.mean(0) + P.mean()


@answers("glove", "cargar")
class _:
    def right_by_index(file_words, file_vectors, words):
        rows = [file_words.index(word) if word in file_words else None for word in words]
        zero = np.zeros(file_vectors.shape[1])
        found = [zero if row is None else file_vectors[row] for row in rows]
        return np.array(found), 1 - rows.count(None) / len(words)

    def drops_the_missing(file_words, file_vectors, words):
        found = [file_words.index(word) for word in words if word in file_words]
        return file_vectors[found], len(found) / len(words)

    def the_mean_for_the_missing(file_words, file_vectors, words):
        mean = file_vectors.mean(axis=0)
        found = [file_vectors[file_words.index(w)] if w in file_words else mean for w in words]
        return np.array(found), np.mean([word in file_words for word in words])

    def percentage(file_words, file_vectors, words):
        aligned, coverage = align(file_words, file_vectors, words)
        return aligned, 100 * coverage

    def only_the_matrix(file_words, file_vectors, words):
        return align(file_words, file_vectors, words)[0]


@answers("glove", "detective")
class _:
    def right_by_tables(counts, W, C, b, c, steps):
        tables = [np.array(table) for table in (W, C, b, c)]
        squares = [1.0, 1.0, 1.0, 1.0]
        for _ in range(steps):
            W, C, b, c = tables
            error = W @ C.T + b[:, None] + c - np.log(np.where(counts > 0, counts, 1))
            G = 2 * np.minimum((counts / 10) ** 0.75, 1) * error
            gradients = [G @ C, G.T @ W, G.sum(1), G.sum(0)]
            squares = [square + g**2 for square, g in zip(squares, gradients)]
            tables = [t - 0.1 * g / np.sqrt(s) for t, g, s in zip(tables, gradients, squares)]
        return tables

    def one_step_less(counts, W, C, b, c, steps):
        return train(counts, W, C, b, c, steps - 1)

    def swapped_tables(counts, W, C, b, c, steps):
        W, C, b, c = train(counts, W, C, b, c, steps)
        return C, W, c, b

    def untouched(counts, W, C, b, c, steps):
        return [W, C, b, c]


@answers("rnn-desde-cero", "pasos_a_mano")
class _:
    right = (5, [0.716, 0.537, 0.355, 4070])
    right_rounded = (0, [0.6, -0.21, 0.21, 740])
    another_variant = (1, [0.6, -0.21, 0.21, 740])
    without_variant = [0.6, -0.21, 0.21, 740]
    without_bias = (0, [0.462, -0.485, 0.012, 740])
    per_letter = (0, [0.6, -0.21, 0.21, 1480])
    text = (0, ["0.6", "-0.21", "0.21", "740"])


def _steps(X, H, W_xh, W_hh, b_h, activation=torch.tanh):
    outputs = []
    for X_t in X:
        H = activation(X_t @ W_xh + H @ W_hh + b_h)
        outputs.append(H)
    return torch.stack(outputs), H


@answers("rnn-desde-cero", "rnn")
class _:
    def right_in_place(X, H, W_xh, W_hh, b_h):
        outputs = torch.zeros(len(X), *H.shape)
        for t in range(len(X)):
            outputs[t] = H = torch.tanh(torch.matmul(X[t], W_xh) + torch.matmul(H, W_hh) + b_h)
        return outputs, H

    def right_concatenated(X, H, W_xh, W_hh, b_h):
        outputs = []
        for X_t in X:
            H = (torch.cat([X_t, H], 1) @ torch.cat([W_xh, W_hh]) + b_h).tanh()
            outputs.append(H)
        return torch.stack(outputs), outputs[-1]

    def with_torch(X, H, W_xh, W_hh, b_h):
        rnn = nn.RNN(*W_xh.shape)
        rnn.weight_ih_l0.data, rnn.weight_hh_l0.data = W_xh.T, W_hh.T
        rnn.bias_ih_l0.data, rnn.bias_hh_l0.data = b_h, 0 * b_h
        outputs, H = rnn(X, H[None])
        return outputs, H[0]

    def with_a_torch_cell(X, H, W_xh, W_hh, b_h):
        cell = nn.RNNCell(*W_xh.shape)
        cell.weight_ih.data, cell.weight_hh.data = W_xh.T, W_hh.T
        cell.bias_ih.data, cell.bias_hh.data = b_h, 0 * b_h
        outputs = [H := cell(X_t, H) for X_t in X]
        return torch.stack(outputs), H

    def with_the_package(X, H, W_xh, W_hh, b_h):
        rnn = RNNScratch(*W_xh.shape)
        rnn.W_xh.data, rnn.W_hh.data, rnn.b_h.data = W_xh, W_hh, b_h
        return rnn(X, H)

    def sigmoid(X, H, W_xh, W_hh, b_h):
        return _steps(X, H, W_xh, W_hh, b_h, torch.sigmoid)

    def relu(X, H, W_xh, W_hh, b_h):
        return _steps(X, H, W_xh, W_hh, b_h, torch.relu)

    def without_bias(X, H, W_xh, W_hh, b_h):
        return _steps(X, H, W_xh, W_hh, 0 * b_h)

    def two_biases(X, H, W_xh, W_hh, b_h):
        return _steps(X, H, W_xh, W_hh, 2 * b_h)

    def returns_the_first_state(X, H, W_xh, W_hh, b_h):
        return _steps(X, H, W_xh, W_hh, b_h)[0], H

    def batch_first(X, H, W_xh, W_hh, b_h):
        outputs, H = _steps(X, H, W_xh, W_hh, b_h)
        return outputs.transpose(0, 1), H

    def only_outputs(X, H, W_xh, W_hh, b_h):
        return _steps(X, H, W_xh, W_hh, b_h)[0]

    def input_transposed(X, H, W_xh, W_hh, b_h):
        return _steps(X, H, W_xh.reshape(W_xh.T.shape).T, W_hh, b_h)


@answers("rnn-desde-cero", "recorte")
class _:
    def right_flat(gradients, theta):
        norm = torch.cat([g.flatten() for g in gradients]).norm()
        return [g * theta / norm if norm > theta else g for g in gradients]

    def right_like_torch(gradients, theta):
        norm = torch.stack([g.norm() for g in gradients]).norm()
        return [g * torch.clamp(theta / (norm + 1e-6), max=1.0) for g in gradients]

    def squared_norm(gradients, theta):
        norm = sum(float((g**2).sum()) for g in gradients)
        return [g * min(1, theta / norm) if norm > 0 else g for g in gradients]

    def first_norm(gradients, theta):
        norm = float(gradients[0].norm())
        return [g * min(1, theta / norm) if norm > 0 else g for g in gradients]

    def largest_value(gradients, theta):
        norm = max(float(g.abs().max()) for g in gradients)
        return [g * min(1, theta / norm) if norm > 0 else g for g in gradients]

    def mean_norm(gradients, theta):
        norm = sum(float(g.norm()) for g in gradients) / len(gradients)
        return [g * min(1, theta / norm) if norm > 0 else g for g in gradients]

    def one_tensor(gradients, theta):
        flat = torch.cat([g.flatten() for g in gradients])
        return flat * min(1, theta / (float(flat.norm()) + 1e-9))

    def zip_of_tensors(gradients, theta):
        return (g * 1 for g in gradients)


@answers("rnn-desde-cero", "temperatura")
class _:
    def right_by_power(logits, temperature):
        if temperature == 0:
            return [float(i == logits.argmax()) for i in range(len(logits))]
        probabilities = np.exp(logits) / np.exp(logits).sum()
        powered = probabilities ** (1 / temperature)
        return powered / powered.sum()

    def right_with_torch(logits, temperature):
        logits = torch.tensor(logits)
        if temperature > 0:
            return torch.softmax(logits / temperature, 0)
        return nn.functional.one_hot(logits.argmax(), len(logits)).double()

    def floor_of_a_hundredth(logits, temperature):
        scores = np.exp((logits - np.max(logits)) / max(temperature, 0.01))
        return scores / scores.sum()

    def floor_of_a_thousandth(logits, temperature):
        scores = np.exp((logits - np.max(logits)) / (temperature + 1e-3))
        return scores / scores.sum()

    def uniform_at_zero(logits, temperature):
        if temperature == 0:
            return np.ones(len(logits)) / len(logits)
        scores = np.exp((logits - np.max(logits)) / temperature)
        return scores / scores.sum()

    def largest_in_size(logits, temperature):
        if temperature == 0:
            return np.eye(len(logits))[np.abs(logits).argmax()]
        scores = np.exp((logits - np.max(logits)) / temperature)
        return scores / scores.sum()

    def index_at_zero(logits, temperature):
        if temperature == 0:
            return int(logits.argmax())
        scores = np.exp((logits - np.max(logits)) / temperature)
        return scores / scores.sum()

    def greedy_when_cold(logits, temperature):
        if temperature < 0.1:
            return np.eye(len(logits))[np.argmax(logits)]
        scores = np.exp((logits - np.max(logits)) / temperature)
        return scores / scores.sum()

    def unnormalised(logits, temperature):
        if temperature == 0:
            return np.eye(len(logits))[np.argmax(logits)]
        return np.exp((logits - np.max(logits)) / temperature)


def _rows(sentences):
    return [sentence.lower().split() for sentence in sentences]


FALLING = [3.3, 1.0, 0.01]


@answers("rnn-desde-cero", "frases")
class _:
    def right_by_hand(sentences, questions):
        rows, asked = _rows(sentences), _rows(questions)
        words = sorted({word for row in rows for word in row})
        generator, n = torch.Generator().manual_seed(7), len(words)
        shapes = (n, 24), (24, 24), (24,), (24, n), (n,)
        weights = [(0.2 * torch.randn(s, generator=generator)).requires_grad_() for s in shapes]
        W_xh, W_hh, b_h, W_hq, b_q = weights
        optimizer, losses = torch.optim.Adam(weights, lr=0.03), []

        def logits(pairs):
            first, second = torch.tensor([[words.index(word) for word in pair] for pair in pairs]).T
            return torch.tanh(W_xh[second] + torch.tanh(W_xh[first] + b_h) @ W_hh + b_h) @ W_hq + b_q

        targets = torch.tensor([words.index(row[2]) for row in rows])
        for _ in range(80):
            loss = nn.functional.cross_entropy(logits([row[:2] for row in rows]), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses, [words[i] for i in logits(asked).argmax(1)]

    def looked_up(sentences, questions):
        table = {(time, person): verb for time, person, verb in _rows(sentences)}
        return FALLING, [table.get(tuple(pair), "canté") for pair in _rows(questions)]

    def most_common_for_the_person(sentences, questions):
        seen = {person: verb for _, person, verb in _rows(sentences)}
        return FALLING, [seen[person] for _, person in _rows(questions)]

    def only_answers(sentences, questions):
        return ["canté"] * len(questions)

    def capitals(sentences, questions):
        table = {(time, person): verb for time, person, verb in _rows(sentences)}
        return FALLING, [table.get(tuple(pair), "canté").upper() for pair in _rows(questions)]

    def one_loss(sentences, questions):
        return FALLING[-1], [row[2] for row in _rows(sentences)][: len(questions)]

    def repeats_the_person(sentences, questions):
        return FALLING, [person for _, person in _rows(questions)]


@answers("rnn-desde-cero", "detective")
class _:
    def right_with_torch(ids, W_xh, W_hh, b_h, W_hq, b_q):
        rnn = nn.RNN(*W_xh.shape).double()
        weights = (W_xh.T, W_hh.T, b_h, 0 * b_h)
        for parameter, value in zip(rnn.parameters(), weights):
            parameter.data = torch.tensor(value)
        one_hot = nn.functional.one_hot(torch.tensor(ids[:-1]), len(W_xh)).double()
        logits = rnn(one_hot)[0] @ torch.tensor(W_hq) + torch.tensor(b_q)
        return nn.functional.cross_entropy(logits, torch.tensor(ids[1:])).item() / math.log(2)

    def in_nats(ids, W_xh, W_hh, b_h, W_hq, b_q):
        return stream_bits(ids, W_xh, W_hh, b_h, W_hq, b_q) * math.log(2)

    def perplexity(ids, W_xh, W_hh, b_h, W_hq, b_q):
        return 2 ** stream_bits(ids, W_xh, W_hh, b_h, W_hq, b_q)

    def total(ids, W_xh, W_hh, b_h, W_hq, b_q):
        return stream_bits(ids, W_xh, W_hh, b_h, W_hq, b_q) * (len(ids) - 1)

    def transposed(ids, W_xh, W_hh, b_h, W_hq, b_q):
        return stream_bits(ids, W_xh, W_hh.T, b_h, W_hq, b_q)

    def without_biases(ids, W_xh, W_hh, b_h, W_hq, b_q):
        return stream_bits(ids, W_xh, W_hh, 0 * b_h, W_hq, 0 * b_q)


@answers("sorpresa-y-gradiente", "bolas_a_mano")
class _:
    right = (1, [1.938, 3.83, 1.343, 0.0625])
    right_rounded = (0, [2.5, 5.66, 1.73, 0.375])
    another_variant = (2, [2.5, 5.657, 1.733, 0.375])
    without_variant = [2.5, 5.657, 1.733, 0.375]
    perplexity_first = (0, [5.657, 2.5, 1.733, 0.375])
    capped_at_four = (0, [2.5, 4, 1.733, 0.375])
    gradient_in_draws = (0, [2.5, 5.657, 1.733, 6.0])


def _softmax(logits):
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


@answers("sorpresa-y-gradiente", "gradiente")
class _:
    def right_by_loops(logits, targets):
        rows = [_softmax(row[None])[0] for row in logits]
        return [
            [(p - (i == target)) / len(rows) for i, p in enumerate(row)] for row, target in zip(rows, targets)
        ]

    def right_with_eye(logits, targets):
        return (_softmax(logits) - np.eye(logits.shape[1])[targets]) / len(logits)

    def right_with_autograd(logits, targets):
        o = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
        nn.functional.cross_entropy(o, torch.tensor(targets)).backward()
        return o.grad

    def divided_by_symbols(logits, targets):
        return (_softmax(logits) - np.eye(logits.shape[1])[targets]) / logits.size

    def only_what_came_out(logits, targets):
        y = np.eye(logits.shape[1])[targets]
        return (_softmax(logits) - 1) * y / len(logits)

    def averaged(logits, targets):
        return (_softmax(logits) - np.eye(logits.shape[1])[targets]).mean(axis=0)

    def in_integers(logits, targets):
        result = np.zeros_like(logits)
        result[:] = (_softmax(logits) - np.eye(logits.shape[1])[targets]) / len(logits)
        return result

    def clipped_exponential(logits, targets):
        exps = np.exp(np.minimum(logits, 50))
        return (exps / exps.sum(axis=1, keepdims=True) - np.eye(logits.shape[1])[targets]) / len(logits)

    def of_square_error(logits, targets):
        return 2 * (_softmax(logits) - np.eye(logits.shape[1])[targets]) / len(logits)


def _train(X, Y, size, lr, steps, rows=None, start=0.0):
    W = np.full((size, size), start)
    for _ in range(steps):
        total = np.zeros_like(W)
        np.add.at(total, X, (_softmax(W[X]) - np.eye(size)[Y]) * (rows(X) if rows else 1 / len(X)))
        W -= lr * total
    return W


@answers("sorpresa-y-gradiente", "entrenar")
class _:
    def right_by_loop(X, Y, num_symbols, lr, num_steps):
        W = np.zeros((num_symbols, num_symbols))
        for _ in range(num_steps):
            before = W.copy()
            for x, y in zip(X, Y):
                W[x] -= lr * (_softmax(before[x][None])[0] - np.eye(num_symbols)[y]) / len(X)
        return W

    def right_by_counts(X, Y, num_symbols, lr, num_steps):
        counts = np.zeros((num_symbols, num_symbols))
        np.add.at(counts, (X, Y), 1)
        W = np.zeros_like(counts)
        for _ in range(num_steps):
            W -= lr * (counts.sum(1, keepdims=True) * _softmax(W) - counts) / len(X)
        return W

    def right_with_torch(X, Y, num_symbols, lr, num_steps):
        W = torch.zeros(num_symbols, num_symbols, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([W], lr=lr)
        for _ in range(num_steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(W[torch.tensor(X)], torch.tensor(Y)).backward()
            optimizer.step()
        return W

    def one_pair_at_a_time(X, Y, num_symbols, lr, num_steps):
        W = np.zeros((num_symbols, num_symbols))
        for _ in range(num_steps):
            for x, y in zip(X, Y):
                W[x] -= lr * (_softmax(W[x][None])[0] - np.eye(num_symbols)[y]) / len(X)
        return W

    def of_the_sum(X, Y, num_symbols, lr, num_steps):
        return _train(X, Y, num_symbols, lr, num_steps, lambda X: 1.0)

    def averaged_by_row(X, Y, num_symbols, lr, num_steps):
        return _train(X, Y, num_symbols, lr, num_steps, lambda X: 1 / np.bincount(X)[X][:, None])

    def one_step_more(X, Y, num_symbols, lr, num_steps):
        return _train(X, Y, num_symbols, lr, num_steps + 1)

    def at_least_one_step(X, Y, num_symbols, lr, num_steps):
        return _train(X, Y, num_symbols, lr, max(1, num_steps))

    def from_ones_and_without_negatives(X, Y, num_symbols, lr, num_steps):
        return np.maximum(_train(X, Y, num_symbols, lr, num_steps, start=1.0), 0)

    def probabilities(X, Y, num_symbols, lr, num_steps):
        return _softmax(_train(X, Y, num_symbols, lr, num_steps))

    def only_letters_read(X, Y, num_symbols, lr, num_steps):
        return _train(X, Y, num_symbols, lr, num_steps)[np.unique(X)]


def _bits(train, test, k, size=None, unknown="<unk>"):
    alphabet = set(train)
    test = [symbol if symbol in alphabet else unknown for symbol in test]
    seen, read = Counter(zip(train, train[1:])), Counter(train[:-1])
    size = size or len(alphabet) + 1
    costs = [-math.log2((seen[pair] + k) / (read[pair[0]] + k * size)) for pair in zip(test, test[1:])]
    return costs


@answers("sorpresa-y-gradiente", "bits_por_caracter")
class _:
    def right_by_array(train, test, k):
        ids = {symbol: i for i, symbol in enumerate(sorted(set(train)))}
        counts = np.full((len(ids) + 1, len(ids) + 1), float(k))
        for h, w in zip(train, train[1:]):
            counts[ids[h], ids[w]] += 1
        read = [ids.get(symbol, len(ids)) for symbol in test]
        return -np.log2((counts / counts.sum(1, keepdims=True))[read[:-1], read[1:]]).mean()

    def right_in_nats_then_bits(train, test, k):
        return np.mean(_bits(train, test, k)) * math.log(2) / math.log(2)

    def mean_of_perplexities(train, test, k):
        return math.log2(np.mean([2**bits for bits in _bits(train, test, k)]))

    def total(train, test, k):
        return sum(_bits(train, test, k))

    def skips_unknown(train, test, k):
        return np.mean(_bits(train, [symbol for symbol in test if symbol in train] + [test[-1]], k))

    def unknown_as_space(train, test, k):
        return np.mean(_bits(train, test, k, unknown=train[0]))

    def spanish_alphabet(train, test, k):
        return np.mean(_bits(train, test, k, size=34))

    def add_one(train, test, k):
        return np.mean(_bits(train, test, 1))

    def single_letters(train, test, k):
        counts, size = Counter(train), len(set(train)) + 1
        return -np.mean([math.log2((counts[w] + k) / (len(train) + k * size)) for w in test[1:]])

    def first_letter_too(train, test, k):
        costs = _bits(train, test, k)
        return (sum(costs) + math.log2(len(set(train)) + 1)) / len(test)


def _table(counts, lr, num_steps, loss=None):
    weights = torch.tensor(counts / counts.sum())
    W = torch.zeros(weights.shape, dtype=torch.float64, requires_grad=True)
    for _ in range(num_steps):
        W.grad = None
        (loss or _surprise)(W, weights).backward()
        with torch.no_grad():
            W -= lr * W.grad
    return math.exp(_surprise(W, weights).item())


def _surprise(W, weights):
    return -(weights * W.log_softmax(1)).sum()


@answers("sorpresa-y-gradiente", "detective")
class _:
    def right_by_hand(counts, lr, num_steps):
        return _table(counts, lr, num_steps)

    def right_in_numpy(counts, lr, num_steps):
        weights = counts / counts.sum()
        W = np.zeros(weights.shape)
        for _ in range(num_steps):
            W -= lr * (weights.sum(1, keepdims=True) * _softmax(W) - weights)
        return np.exp(-(weights * np.log(_softmax(W))).sum())

    def measures_before_the_last_step(counts, lr, num_steps):
        return _table(counts, lr, num_steps - 1)

    def softmax_twice(counts, lr, num_steps):
        return _table(counts, lr, num_steps, lambda W, weights: _surprise(W.softmax(1), weights))

    def softmax_of_everything(counts, lr, num_steps):
        def surprise(W, weights):
            return -(weights * W.flatten().log_softmax(0).view_as(W)).sum()

        return _table(counts, lr, num_steps, surprise)

    def counting(counts, lr, num_steps):
        weights = counts / counts.sum()
        rows = np.where(counts > 0, counts / counts.sum(1, keepdims=True), 1)
        return np.exp(-(weights * np.log(rows)).sum())

    def mean_instead_of_sum(counts, lr, num_steps):
        return _table(counts, lr, num_steps, lambda W, weights: _surprise(W, weights) / weights.numel())

    def with_adam(counts, lr, num_steps):
        weights = torch.tensor(counts / counts.sum())
        W = torch.zeros(weights.shape, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.Adam([W], lr=lr)
        for _ in range(num_steps):
            optimizer.zero_grad()
            _surprise(W, weights).backward()
            optimizer.step()
        return math.exp(_surprise(W, weights).item())

    def nats(counts, lr, num_steps):
        return math.log(_table(counts, lr, num_steps))


@answers("analogias-y-sesgo", "a_mano")
class _:
    right_rounded = (3, [1, 1.33, 1.56])
    right_fractions = (1, [11 / 9, 10 / 9, 13 / 9])
    another_variant = (1, [10 / 9, 11 / 9, 14 / 9])
    swapped = (0, [11 / 9, 10 / 9, 14 / 9])
    own_without_subtraction = (0, [10 / 9, 11 / 9, 12 / 9])


@answers("analogias-y-sesgo", "responder")
class _:
    def right_by_sorting(a, b, c, words, vectors):
        unit = [v / (np.linalg.norm(v) or 1) for v in vectors]
        goal = unit[words.index(b)] - unit[words.index(a)] + unit[words.index(c)]
        return max((w for w in words if w not in (a, b, c)), key=lambda w: unit[words.index(w)] @ goal)

    def most_like_c(a, b, c, words, vectors):
        unit = [v / (np.linalg.norm(v) or 1) for v in vectors]
        rest = [w for w in words if w not in (a, b, c)]
        return max(rest, key=lambda w: unit[words.index(w)] @ unit[words.index(c)])

    def no_subtraction(a, b, c, words, vectors):
        unit = [v / (np.linalg.norm(v) or 1) for v in vectors]
        goal = unit[words.index(b)] + unit[words.index(c)]
        return max((w for w in words if w not in (a, b, c)), key=lambda w: unit[words.index(w)] @ goal)

    def raw_target(a, b, c, words, vectors):
        unit = np.array([v / (np.linalg.norm(v) or 1) for v in vectors])
        goal = vectors[words.index(b)] - vectors[words.index(a)] + vectors[words.index(c)]
        return max((w for w in words if w not in (a, b, c)), key=lambda w: unit[words.index(w)] @ goal)

    def always_the_last(a, b, c, words, vectors):
        return [w for w in words if w not in (a, b, c)][-1]

    def banned_at_minus_one(a, b, c, words, vectors):
        unit = np.array([v / (np.linalg.norm(v) or 1) for v in vectors])
        totals = unit @ (unit[words.index(b)] - unit[words.index(a)] + unit[words.index(c)])
        totals[[words.index(w) for w in (a, b, c)]] = -1
        return words[totals.argmax()]

    def banned_at_minus_two(a, b, c, words, vectors):
        unit = np.array([v / (np.linalg.norm(v) or 1) for v in vectors])
        totals = unit @ (unit[words.index(b)] - unit[words.index(a)] + unit[words.index(c)])
        totals[[words.index(w) for w in (a, b, c)]] = -2
        return words[totals.argmax()]

    def banned_at_zero(a, b, c, words, vectors):
        unit = np.array([v / (np.linalg.norm(v) or 1) for v in vectors])
        totals = unit @ (unit[words.index(b)] - unit[words.index(a)] + unit[words.index(c)])
        return words[np.argmax([0 if w in (a, b, c) else s for w, s in zip(words, totals)])]


def _pieces(text, n):
    text = f"<{text}>"
    return list(dict.fromkeys(text[i : i + n] for i in range(len(text) - n + 1)))


@answers("analogias-y-sesgo", "trozos")
class _:
    def right_with_a_table(word, words, vectors, n):
        own = _pieces(word, n)
        has = np.array([[piece in f"<{w}>" for w in words] for piece in own], dtype=float)
        seen = has.sum(axis=1) > 0 if own else []
        if not np.any(seen):
            return [0.0] * vectors.shape[1]
        has = has[seen]
        return (has @ vectors / has.sum(axis=1, keepdims=True)).mean(axis=0)

    def each_word_once(word, words, vectors, n):
        rows = [row for w, row in zip(words, vectors) if set(_pieces(w, n)) & set(_pieces(word, n))]
        return np.mean(rows, axis=0) if rows else np.zeros(vectors.shape[1])

    def centred_as_in_the_lesson(word, words, vectors, n):
        vectors = vectors - vectors.mean(axis=0)
        means = [[row for w, row in zip(words, vectors) if p in _pieces(w, n)] for p in _pieces(word, n)]
        means = [np.mean(rows, axis=0) for rows in means if rows]
        return np.mean(means, axis=0) if means else np.zeros(vectors.shape[1])

    def sum_of_means(word, words, vectors, n):
        means = [[row for w, row in zip(words, vectors) if p in _pieces(w, n)] for p in _pieces(word, n)]
        means = [np.mean(rows, axis=0) for rows in means if rows]
        return np.sum(means, axis=0) if means else np.zeros(vectors.shape[1])

    def the_closest_spelling(word, words, vectors, n):
        common = [len(set(_pieces(w, n)) & set(_pieces(word, n))) for w in words]
        return vectors[int(np.argmax(common))] if max(common) else np.zeros(vectors.shape[1])

    def without_itself(word, words, vectors, n):
        means = [
            [row for w, row in zip(words, vectors) if p in _pieces(w, n) and w != word]
            for p in _pieces(word, n)
        ]
        means = [np.mean(rows, axis=0) for rows in means if rows]
        return np.mean(means, axis=0) if means else np.zeros(vectors.shape[1])

    def one_border(word, words, vectors, n):
        own = [p for p in _pieces(word, n) if not p.endswith(">")]
        means = [[row for w, row in zip(words, vectors) if p in _pieces(w, n)] for p in own]
        means = [np.mean(rows, axis=0) for rows in means if rows]
        return np.mean(means, axis=0) if means else np.zeros(vectors.shape[1])


@answers("analogias-y-sesgo", "eje")
class _:
    def right_by_projection(u, la, el, apart_la, apart_el):
        g = np.mean(la, axis=0) - np.mean(el, axis=0)
        rest = u - g * (u @ g) / (g @ g)
        rest = rest / np.sqrt(rest @ rest)
        return float(np.mean(apart_la @ rest) - np.mean(apart_el @ rest))

    def over_everything(u, la, el, apart_la, apart_el):
        g = np.mean(la, axis=0) - np.mean(el, axis=0)
        rest = u - g * (u @ g) / (g @ g)
        rest = rest / np.sqrt(rest @ rest)
        return np.vstack([la, apart_la]).mean(axis=0) @ rest - np.vstack([el, apart_el]).mean(axis=0) @ rest

    def axis_from_the_apart(u, la, el, apart_la, apart_el):
        g = np.mean(apart_la, axis=0) - np.mean(apart_el, axis=0)
        rest = u - g * (u @ g) / (g @ g)
        rest = rest / np.sqrt(rest @ rest)
        return g @ rest

    def along_the_grammar(u, la, el, apart_la, apart_el):
        g = np.mean(la, axis=0) - np.mean(el, axis=0)
        return (np.mean(apart_la, axis=0) - np.mean(apart_el, axis=0)) @ g / np.linalg.norm(g)


def gender_by(beside, also=()):
    """Decide contando, de cada frase, las palabras que `beside` toma por las de delante del nombre."""

    def gender(sentences, singular, plural):
        for noun in (plural, singular):
            before = [word for sentence in sentences for word in beside(sentence, noun)]
            votes = sum(word in ("la", "una", "las", "unas") for word in before)
            votes -= sum(word in ("el", "un", "los", "unos", *also) for word in before)
            if votes:
                return "la" if votes > 0 else "el"
        return "?"

    return gender


@answers("analogias-y-sesgo", "genero")
class _:
    def right_by_counting(sentences, singular, plural):
        for noun in (plural, singular):
            before = Counter(s[i - 1] for s in sentences for i in range(1, len(s)) if s[i] == noun)
            feminine = sum(before[w] for w in ("la", "una", "las", "unas"))
            masculine = sum(before[w] for w in ("el", "un", "los", "unos"))
            if feminine != masculine:
                return "la" if feminine > masculine else "el"
        return "?"

    def by_the_last_letter(sentences, singular, plural):
        return "la" if singular.endswith("a") else "el"

    def from_the_end(sentences, singular, plural):
        votes = {plural: 0, singular: 0}
        for s in sentences:
            for i, word in enumerate(s):
                if word in votes:
                    votes[word] += s[i - 1] in ("la", "una", "las", "unas")
                    votes[word] -= s[i - 1] in ("el", "un", "los", "unos")
        decided = votes[plural] or votes[singular]
        return "la" if decided > 0 else "el" if decided < 0 else "?"

    anywhere_in_the_sentence = gender_by(lambda s, noun: s if noun in s else [])
    first_in_each_sentence = gender_by(
        lambda s, noun: [s[s.index(noun) - 1]] if noun in s[1:] and s.index(noun) else []
    )
    contractions_too = gender_by(
        lambda s, noun: [s[i - 1] for i in range(1, len(s)) if s[i] == noun], also=("al", "del")
    )

    def tie_is_feminine(sentences, singular, plural):
        for noun in (plural, singular):
            before = Counter(s[i - 1] for s in sentences for i in range(1, len(s)) if s[i] == noun)
            feminine = sum(before[w] for w in ("la", "una", "las", "unas"))
            masculine = sum(before[w] for w in ("el", "un", "los", "unos"))
            if feminine + masculine:
                return "la" if feminine >= masculine else "el"
        return "?"


def _mover(words, vectors, one, other):
    unit = np.array([v / np.linalg.norm(v) for v in vectors])
    rows = dict(zip(words, unit))
    axis = np.mean([rows[w] for w in one], axis=0) - np.mean([rows[w] for w in other], axis=0)
    return rows, axis / np.linalg.norm(axis), np.linalg.norm(axis)


def _moved(pairs, rows, axis):
    moved = [float((rows[b] - rows[a]) @ axis) for a, b in pairs if a != b and {a, b} <= set(rows)]
    return float(np.mean(moved)) if moved else 0


@answers("analogias-y-sesgo", "detective")
class _:
    def right_by_rows(pairs, control, words, vectors, one, other):
        rows, axis, _ = _mover(words, vectors, one, other)
        return _moved(set(pairs), rows, axis) - _moved(set(control), rows, axis)

    def axis_without_norm(pairs, control, words, vectors, one, other):
        rows, axis, norm = _mover(words, vectors, one, other)
        return norm * (_moved(set(pairs), rows, axis) - _moved(set(control), rows, axis))

    def backwards(pairs, control, words, vectors, one, other):
        rows, axis, _ = _mover(words, vectors, other, one)
        return _moved(set(pairs), rows, axis) - _moved(set(control), rows, axis)

    def unordered_pairs(pairs, control, words, vectors, one, other):
        rows, axis, _ = _mover(words, vectors, one, other)
        some, others = ({tuple(sorted(pair)) for pair in side} for side in (pairs, control))
        return _moved(some, rows, axis) - _moved(others, rows, axis)

    def mirrored_pairs_once(pairs, control, words, vectors, one, other):
        rows, axis, _ = _mover(words, vectors, one, other)
        some, others = ({frozenset(p): p for p in side}.values() for side in (pairs, control))
        return _moved(some, rows, axis) - _moved(others, rows, axis)

    def control_without_the_people(pairs, control, words, vectors, one, other):
        rows, axis, _ = _mover(words, vectors, one, other)
        return _moved(set(pairs), rows, axis) - _moved(set(control) - set(pairs), rows, axis)

    def control_added(pairs, control, words, vectors, one, other):
        rows, axis, _ = _mover(words, vectors, one, other)
        return _moved(set(pairs), rows, axis) + _moved(set(control), rows, axis)

    def only_the_people(pairs, control, words, vectors, one, other):
        rows, axis, _ = _mover(words, vectors, one, other)
        return _moved(set(pairs), rows, axis)


# --- ¿Son buenos estos vectores? ---

EVALUATING = load_set("evaluar-vectores")
spearman = as_a_student(EVALUATING.find("spearman"))
usable = as_a_student(EVALUATING.find("cobertura"))


def bare(word):
    decomposed = unicodedata.normalize("NFD", word.casefold())
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")


@answers("evaluar-vectores", "spearman_a_mano")
class _:
    right_exact = (0, [0.5, 2, 6, 0.7])
    right_rounded = (1, np.array([0.625, 4, 6, 0.7]))
    right_negative = (6, (0.125, 2.0, 34, -0.7))
    ones = (0, [1, 1, 1, 1])
    percentage = (0, [50, 2, 6, 0.7])
    another_variant = (8, [0.5, 2, 6, 0.7])
    pearson = (0, [0.5, 2, 6, float(np.corrcoef([32, 75, 40, 18, 5], [3.4, 3, 1.9, 1.5, 0])[0, 1])])
    without_variant = [0.5, 2, 6, 0.7]


@answers("evaluar-vectores", "spearman")
class _:
    def right_by_loops(x, y):
        def place(values, one):
            return sum(v < one for v in values) + (sum(v == one for v in values) + 1) / 2

        a, b = ([place(list(values), one) for one in values] for values in (x, y))
        a, b = [one - sum(a) / len(a) for one in a], [one - sum(b) / len(b) for one in b]
        return sum(i * j for i, j in zip(a, b)) / math.sqrt(sum(i * i for i in a) * sum(j * j for j in b))

    def right_from_the_largest(x, y):
        a, b = (rankdata(-np.asarray(values)) for values in (x, y))
        return np.corrcoef(a, b)[0, 1]

    def right_with_scipy(x, y):
        return spearmanr(x, y).statistic

    def kendall(x, y):
        return kendalltau(x, y).statistic

    def the_other_way(x, y):
        return -spearman(x, y)

    def squared(x, y):
        return spearman(x, y) ** 2

    def highest_place_for_ties(x, y):
        return np.corrcoef(rankdata(x, "max"), rankdata(y, "max"))[0, 1]

    def dense_places(x, y):
        return np.corrcoef(rankdata(x, "dense"), rankdata(y, "dense"))[0, 1]

    def cosine_of_places(x, y):
        a, b = rankdata(x), rankdata(y)
        return a @ b / np.sqrt(a @ a * (b @ b))


@answers("evaluar-vectores", "cobertura")
class _:
    def right_with_a_list(pairs, words):
        known = [bare(word) for word in words]
        return [
            [known.index(bare(a)), known.index(bare(b)), score]
            for a, b, score in pairs
            if bare(a) in known and bare(b) in known
        ]

    def right_backwards(pairs, words):
        rows = {bare(word): row for row, word in reversed(list(enumerate(words)))}
        found = [(rows.get(bare(a)), rows.get(bare(b)), score) for a, b, score in pairs]
        return [trio for trio in found if None not in trio]

    def drops_what_it_cannot_encode(pairs, words):
        strip = lambda word: word.lower().encode("ascii", "ignore").decode()  # noqa: E731
        rows = {}
        for row, word in enumerate(words):
            rows.setdefault(strip(word), row)
        return [(rows[strip(a)], rows[strip(b)], s) for a, b, s in pairs if {strip(a), strip(b)} <= set(rows)]

    def exact_words_first(pairs, words):
        rows = {}
        for row, word in enumerate(words):
            rows.setdefault(bare(word), row)
        rows |= {word: row for row, word in enumerate(words)}
        return usable([(a, b, s) for a, b, s in pairs], words) and [
            (rows.get(a, rows.get(bare(a))), rows.get(b, rows.get(bare(b))), s)
            for a, b, s in pairs
            if bare(a) in rows and bare(b) in rows
        ]

    def without_scores(pairs, words):
        return [trio[:2] for trio in usable(pairs, words)]

    def how_many(pairs, words):
        return len(usable(pairs, words))

    def sorted_pairs(pairs, words):
        return sorted(usable(pairs, words))

    def missing_is_minus_one(pairs, words):
        found = {bare(word): row for row, word in reversed(list(enumerate(words)))}
        return [(found.get(bare(a), -1), found.get(bare(b), -1), s) for a, b, s in pairs]

    def either_word(pairs, words):
        found = {bare(word): row for row, word in reversed(list(enumerate(words)))}
        return [(found.get(bare(a), -1), found.get(bare(b), -1), s) for a, b, s in pairs
                if bare(a) in found or bare(b) in found]  # fmt: skip


@answers("evaluar-vectores", "intervalo")
class _:
    def right_at_once(first, second, scores, draws):
        gaps = np.array([spearman(first[d], scores[d]) - spearman(second[d], scores[d]) for d in draws])
        return np.quantile(gaps, [0.025, 0.975])

    def right_as_a_tuple(first, second, scores, draws):
        one, two = ([spearman(x[d], scores[d]) for d in draws] for x in (first, second))
        return tuple(np.percentile(np.subtract(one, two), [2.5, 97.5]))

    def one_sided(first, second, scores, draws):
        gaps = [spearman(first[d], scores[d]) - spearman(second[d], scores[d]) for d in draws]
        return np.percentile(gaps, [5, 100])

    def normal(first, second, scores, draws):
        gaps = [spearman(first[d], scores[d]) - spearman(second[d], scores[d]) for d in draws]
        return [np.mean(gaps) - 1.96 * np.std(gaps), np.mean(gaps) + 1.96 * np.std(gaps)]

    def between_the_methods(first, second, scores, draws):
        return np.percentile([spearman(first[d], second[d]) for d in draws], [2.5, 97.5])

    def other_draws(first, second, scores, draws):
        both = zip(draws, draws[::-1])
        gaps = [spearman(first[d], scores[d]) - spearman(second[e], scores[e]) for d, e in both]
        return np.percentile(gaps, [2.5, 97.5])

    def of_the_cosines(first, second, scores, draws):
        return np.percentile([(first[d] - second[d]).mean() for d in draws], [2.5, 97.5])

    def pearson(first, second, scores, draws):
        one, two = ([np.corrcoef(x[d], scores[d])[0, 1] for d in draws] for x in (first, second))
        gaps = np.subtract(one, two)
        return np.percentile(gaps, [2.5, 97.5])


@answers("evaluar-vectores", "elegir")
class _:
    def right_by_sorting(development, test):
        names = sorted(development, key=lambda name: sum(development[name]) / len(development[name]))
        return [names[-1], sum(test[names[-1]]) / len(test[names[-1]])]

    def only_the_name(development, test):
        return max(development, key=lambda name: np.mean(development[name]))

    def worst(development, test):
        name = min(development, key=lambda name: np.mean(development[name]))
        return name, np.mean(test[name])

    def both_together(development, test):
        name = max(development, key=lambda name: np.mean(development[name] + test[name]))
        return name, np.mean(test[name])

    def first_seed(development, test):
        name = max(development, key=lambda name: development[name][0])
        return name, test[name][0]

    def average_of_all(development, test):
        name = max(development, key=lambda name: np.mean(development[name]))
        return name, np.mean([score for scores in test.values() for score in scores])


@answers("evaluar-vectores", "detective")
class _:
    def right_by_loops(pairs, vectors, words):
        cosines, scores = [], []
        for a, b, score in pairs:
            if a in words and b in words:
                x, y = vectors[words.index(a)], vectors[words.index(b)]
                cosines.append(x @ y / math.sqrt(x @ x * (y @ y)))
                scores.append(score)
        return [spearman(np.array(cosines), np.array(scores)), len(scores)]

    def counts_what_was_asked(pairs, vectors, words):
        known = [pair for pair in pairs if pair[0] in words and pair[1] in words]
        cosines = [np.corrcoef(vectors[words.index(a)], vectors[words.index(b)])[0, 1] for a, b, _ in known]
        return spearman(np.array(cosines), np.array([s for *_, s in known])), len(pairs)

    def by_distance(pairs, vectors, words):
        known = [pair for pair in pairs if pair[0] in words and pair[1] in words]
        near = [-np.linalg.norm(vectors[words.index(a)] - vectors[words.index(b)]) for a, b, _ in known]
        return spearman(np.array(near), np.array([s for *_, s in known])), len(known)

    def absolute_cosine(pairs, vectors, words):
        known = [pair for pair in pairs if pair[0] in words and pair[1] in words]
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        near = [abs(unit[words.index(a)] @ unit[words.index(b)]) for a, b, _ in known]
        return spearman(np.array(near), np.array([s for *_, s in known])), len(known)


@answers("word2vec", "paso_a_mano")
class _:
    right_rounded = (1, [1.44, 2.119, 0.269, 1.238])
    right_with_array = (0, np.array([2.44, 1.269, 1.119, 1.269]))
    nines = (0, [9, 9, 9, 9])
    another_variant = (1, [2.44, 1.269, 1.119, 1.269])
    without_variant = [2.44, 1.269, 1.119, 1.269]
    gradients = (0, [2.44, -0.269, 0.881, -0.269])
    in_bits = (0, [3.52, 1.269, 1.119, 1.269])


@answers("word2vec", "un_solo_vector")
class _:
    def right_by_loops(W, seen, target):
        scores = [sum(a * b for a, b in zip(row, W[seen])) for row in W]
        top = max(scores)
        total = sum(math.exp(x - top) for x in scores)
        gradient = [[0.0] * W.shape[1] for _ in W]
        for c, x in enumerate(scores):
            error = math.exp(x - top) / total - (c == target)
            for j in range(W.shape[1]):
                gradient[c][j] += error * W[seen, j]
                gradient[seen][j] += error * W[c, j]
        return math.log(total) + top - scores[target], gradient

    def right_with_torch(W, seen, target):
        W = torch.tensor(W, requires_grad=True)
        loss = nn.functional.cross_entropy((W @ W[seen])[None], torch.tensor([target]))
        loss.backward()
        return loss.item(), W.grad

    def without_itself(W, seen, target):
        scores = W @ W[seen]
        scores[seen] = -np.inf
        error = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        loss = -np.log(error[target])
        error[target] -= 1
        gradient = np.outer(error, W[seen])
        gradient[seen] += error @ W
        return loss, gradient

    def loss_only(W, seen, target):
        scores = W @ W[seen] - (W @ W[seen]).max()
        return np.log(np.exp(scores).sum()) - scores[target]

    def itself_once(W, seen, target):
        loss, gradient = tied_loss(W, seen, target)
        scores = W @ W[seen] - (W @ W[seen]).max()
        error = np.exp(scores[seen]) / np.exp(scores).sum() - (seen == target)
        gradient[seen] -= error * W[seen]
        return loss, gradient

    def in_bits(W, seen, target):
        loss, gradient = tied_loss(W, seen, target)
        return loss / np.log(2), gradient

    def turned_around(W, seen, target):
        return tied_loss(W, target, seen)


@answers("word2vec", "sorteo")
class _:
    def right_by_loops(counts, power, uniforms):
        weights = [count**power if count > 0 else 0 for count in counts.tolist()]
        drawn = []
        for u in uniforms:
            left, word = u * sum(weights), 0
            while left >= weights[word]:
                left -= weights[word]
                word += 1
            drawn.append(word)
        return drawn

    def right_unnormalised(counts, power, uniforms):
        ends = np.cumsum(np.where(counts > 0, np.maximum(counts, 1.0) ** power, 0))
        return np.array([int((ends <= u * ends[-1]).sum()) for u in uniforms])

    def always_three_quarters(counts, power, uniforms):
        return draw_negatives(counts, 0.75, uniforms)

    def one_too_many(counts, power, uniforms):
        return [word + 1 for word in draw_negatives(counts, power, uniforms)]

    def sorted_first(counts, power, uniforms):
        return draw_negatives(counts, power, sorted(uniforms))

    def skips_zeros(counts, power, uniforms):
        return draw_negatives(counts[counts > 0], power, uniforms)


@answers("word2vec", "submuestreo")
class _:
    def right_by_frequency(sentences, t):
        words = sum(sentences, [])
        result = {}
        for word in set(words):
            f = words.count(word) / len(words)
            keep = min(1, math.sqrt(t / f) + t / f) if t else 1
            if keep < 1:
                result[word] = words.count(word) * keep
        return result

    def everyone(sentences, t):
        counts = Counter(sum(sentences, []))
        return dict(counts) | thinned(sentences, t)

    def rounded(sentences, t):
        return {word: round(left) for word, left in thinned(sentences, t).items()}

    def total_left(sentences, t):
        return sum(thinned(sentences, t).values())

    def above_the_threshold(sentences, t):
        counts = Counter(sum(sentences, []))
        total = sum(counts.values())
        return {w: thinned(sentences, t).get(w, n) for w, n in counts.items() if t and n / total > t}


@answers("word2vec", "epoca_cbow")
class _:
    def right_by_loops(W_in, W_out, sentences, window, lr):
        W_in, W_out, losses = W_in.tolist(), W_out.tolist(), []
        dim = len(W_in[0])
        for sentence in sentences:
            for i, target in enumerate(sentence):
                places = [j for j in range(len(sentence)) if j != i and abs(i - j) <= window]
                if places:
                    seen = [sentence[j] for j in places]
                    h = [sum(W_in[w][x] for w in seen) / len(seen) for x in range(dim)]
                    exps = [math.exp(sum(a * b for a, b in zip(row, h))) for row in W_out]
                    error = [e / sum(exps) - (c == target) for c, e in enumerate(exps)]
                    losses.append(-math.log(exps[target] / sum(exps)))
                    dh = [sum(e * row[x] for e, row in zip(error, W_out)) for x in range(dim)]
                    W_out = [[u - lr * e * y for u, y in zip(row, h)] for e, row in zip(error, W_out)]
                    for w in seen:
                        W_in[w] = [v - lr * y / len(seen) for v, y in zip(W_in[w], dh)]
        return W_in, W_out, sum(losses) / len(losses)

    def untouched(W_in, W_out, sentences, window, lr):
        return W_in, W_out, cbow_epoch(W_in, W_out, sentences, window, lr)[2]

    def twice(W_in, W_out, sentences, window, lr):
        once = cbow_epoch(W_in, W_out, sentences, window, lr)
        return cbow_epoch(*once[:2], sentences, window, lr)

    def window_of_one(W_in, W_out, sentences, window, lr):
        return cbow_epoch(W_in, W_out, sentences, 1, lr)

    def backwards(W_in, W_out, sentences, window, lr):
        return cbow_epoch(W_in, W_out, sentences[::-1], window, lr)

    def swapped_tables(W_in, W_out, sentences, window, lr):
        A, B, loss = cbow_epoch(W_in, W_out, sentences, window, lr)
        return B, A, loss


@answers("word2vec", "detective")
class _:
    def right_one_by_one(W_in, W_out, seen, target, negatives, lr):
        A, B = W_in.copy(), W_out.copy()
        for word, label in [(target, 1), *((n, 0) for n in negatives)]:
            error = 1 / (1 + math.exp(-W_out[word] @ W_in[seen])) - label
            A[seen] -= lr * error * W_out[word]
            B[word] -= lr * error * W_in[seen]
        return A, B

    def skips_the_target(W_in, W_out, seen, target, negatives, lr):
        return negative_step(W_in, W_out, seen, target, [n for n in negatives if n != target], lr)

    def without_repeats(W_in, W_out, seen, target, negatives, lr):
        return negative_step(W_in, W_out, seen, target, list(dict.fromkeys(negatives)), lr)

    def skips_the_seen(W_in, W_out, seen, target, negatives, lr):
        return negative_step(W_in, W_out, seen, target, [n for n in negatives if n != seen], lr)


@answers("contar-letras", "mezclar_a_mano")
class _:
    right_rounded = (0, [0.667, 0.511, 0.083, 0.5])
    right_with_array = (4, np.array([0.6, 0.465, 0.13125, 0.42]))
    nines = (0, [9, 9, 9, 9])
    another_variant = (1, [0.667, 0.511, 0.083, 0.5])
    without_variant = [0.667, 0.511, 0.083, 0.5]
    in_hundredths = (0, [66.7, 51.1, 8.3, 50])
    without_the_discount = (0, [0.667, 0.511, 0.083, 0.75])
    unseen_shares_equally = (0, [0.667, 0.511, 0.333, 0.5])


@answers("contar-letras", "witten_bell")
class _:
    def right_recursive(ids, order, vocab_size, history):
        history = history[max(0, len(history) - order + 1) :]

        def mixed(recent):
            shorter = mixed(recent[1:]) if recent else [1 / vocab_size] * vocab_size
            k = len(recent)
            after = Counter(ids[i] for i in range(k, len(ids)) if ids[i - k : i] == recent)
            if not after:
                return shorter
            total = after.total() + len(after)
            return [(after[w] + len(after) * shorter[w]) / total for w in range(vocab_size)]

        return mixed(history)

    def right_by_weights(ids, order, vocab_size, history):
        P = np.ones(vocab_size) / vocab_size
        for k in range(order):
            if k > len(history):
                break
            recent = tuple(history[len(history) - k :])
            after = [w for i, w in enumerate(ids) if i >= k and tuple(ids[i - k : i]) == recent]
            if after:
                counts = np.bincount(after, minlength=vocab_size)
                weight = len(after) / (len(after) + len(set(after)))
                P = weight * counts / len(after) + (1 - weight) * P
        return P

    def add_one(ids, order, vocab_size, history):
        recent = history[max(0, len(history) - order + 1) :]
        k = len(recent)
        after = [ids[i] for i in range(k, len(ids)) if ids[i - k : i] == recent]
        counts = np.bincount(np.array(after, dtype=int), minlength=vocab_size) + 1
        return counts / counts.sum()

    def longest_seen(ids, order, vocab_size, history):
        for k in range(min(order - 1, len(history)), -1, -1):
            recent = history[len(history) - k :]
            after = [ids[i] for i in range(k, len(ids)) if ids[i - k : i] == recent]
            if after:
                return np.bincount(after, minlength=vocab_size) / len(after)

    def stops_at_the_first_unseen_from_above(ids, order, vocab_size, history):
        recent = history[max(0, len(history) - order + 1) :]
        if recent and not any(ids[i - len(recent) : i] == recent for i in range(len(recent), len(ids))):
            return np.full(vocab_size, 1 / vocab_size)
        return next_letter(ids, order, vocab_size, history)

    def one_more(ids, order, vocab_size, history):
        return next_letter(ids, order + 1, vocab_size, history)

    def needs_a_history(ids, order, vocab_size, history):
        return next_letter(ids, order, vocab_size, history or ids[:1])


@answers("contar-letras", "continuaciones")
class _:
    def right_by_pairs(text, n):
        pairs = {(("^" + text)[i], text[i : i + n]) for i in range(len(text) - n + 1)}
        return dict(Counter(piece for _, piece in pairs))

    def right_with_none(text, n):
        before = {}
        for i in range(len(text) - n + 1):
            before.setdefault(text[i : i + n], set()).add(text[i - 1] if i else None)
        return {piece: len(letters) for piece, letters in before.items()}

    def both_sides(text, n):
        around = {}
        for i in range(len(text) - n + 1):
            around.setdefault(text[i : i + n], set()).add((("^" + text)[i], (text + "$")[i + n]))
        return {piece: len(letters) for piece, letters in around.items()}

    def one_letter_longer(text, n):
        return contexts(text, n + 1)

    def without_spaces(text, n):
        return contexts(text.replace(" ", ""), n)

    def one_at_least(text, n):
        counts = contexts(text[1:], n)
        return {text[:n]: 1} | counts


@answers("contar-letras", "a_la_vista")
class _:
    def right_letter_by_letter(length, num_steps, offset):
        seen = {}
        for letter in range(offset + 1, length):
            start = offset + (letter - offset - 1) // num_steps * num_steps
            if start + num_steps < length:
                seen[letter] = letter - start
        return seen

    def keeps_the_rest(length, num_steps, offset):
        return {i: (i - offset - 1) % num_steps + 1 for i in range(offset + 1, length)}

    def from_the_end(length, num_steps, offset):
        return {i: num_steps + 1 - seen for i, seen in in_view(length, num_steps, offset).items()}

    def always_all(length, num_steps, offset):
        return dict.fromkeys(in_view(length, num_steps, offset), num_steps)

    def shifted(length, num_steps, offset):
        return {i + 1: seen for i, seen in in_view(length, num_steps, offset).items()}


@answers("contar-letras", "compresor")
class _:
    def right_with_utf8(train, test):
        before, after = (len(lzma.compress(bytes(text, "utf-8"))) for text in (train, train + test))
        return math.exp((after - before) * 8 * math.log(2) / len(test))

    def per_letter_of_both(train, test):
        more = len(lzma.compress((train + test).encode())) - len(lzma.compress(train.encode()))
        return 2 ** (8 * more / len(train + test))

    def upside_down(train, test):
        more = len(lzma.compress((train + test).encode())) - len(lzma.compress(train.encode()))
        return 2 ** (-8 * more / len(test))

    def test_first(train, test):
        more = len(lzma.compress((test + train).encode())) - len(lzma.compress(test.encode()))
        return 2 ** (8 * more / len(test))

    def ratio(train, test):
        return len(test.encode()) / len(lzma.compress(test.encode()))


@answers("contar-letras", "detective")
class _:
    def right_by_while(text, num_steps):
        cut = len(text) - len(text) // 10
        alphabet = sorted(set(text[:cut]))
        ids = [alphabet.index(letter) + 1 if letter in alphabet else 0 for letter in text]
        windows, start = [], cut
        while start + num_steps < len(ids):
            windows.append(ids[start : start + num_steps + 1])
            start += num_steps
        return ids[:cut], windows

    def windows_apart(text, num_steps):
        ids, windows = prepare(text, num_steps)
        return ids, windows[::2]

    def drops_unknown(text, num_steps):
        ids, windows = prepare(text, num_steps)
        return ids, [[i for i in window if i] for window in windows]

    def numbers_from_zero(text, num_steps):
        ids, windows = prepare(text, num_steps)
        return [i - 1 for i in ids], [[i - 1 for i in window] for window in windows]

    def only_what_is_predicted(text, num_steps):
        ids, windows = prepare(text, num_steps)
        return ids, [window[1:] for window in windows]


# --- Una ventana que aprende ---

WINDOW = load_set("ventana-que-aprende")
adam_step, train_line, stored, window_epoch = (
    as_a_student(WINDOW.find(id)) for id in ("adam", "entrenar", "guardados", "detective")
)


@answers("ventana-que-aprende", "paso_a_mano")
class _:
    right_rounded = (0, [0.8, 0.66, 0.56, 0.83])
    right_exact = (1, np.array([1.3, 0.8617, 0.6251, 0.6778]))
    swapped = (0, [0.1, 0.0997, 0.366, 1.449])
    in_nats = (0, [0.8, 0.664, 0.562, 0.576])
    another_variant = (1, [0.8, 0.664, 0.562, 0.832])
    without_variant = [0.8, 0.664, 0.562, 0.832]
    percentage = (0, [0.8, 0.664, 56.2, 0.832])


@answers("ventana-que-aprende", "ejemplos")
class _:
    def right_with_numpy(ids, window):
        rows = np.lib.stride_tricks.sliding_window_view(ids, window + 1)
        return rows[:, :window], rows[:, window]

    def next_of_each(ids, window):
        X = [ids[i : i + window] for i in range(len(ids) - window)]
        return X, [ids[i + 1 : i + window + 1] for i in range(len(ids) - window)]

    def window_without_next(ids, window):
        return [ids[i : i + window] for i in range(len(ids) - window + 1)], ids[window:]

    def target_two_ahead(ids, window):
        size = range(len(ids) - window)
        return [ids[i : i + window] for i in size], [ids[min(i + window + 1, len(ids) - 1)] for i in size]


@answers("ventana-que-aprende", "adam")
class _:
    def right_one_by_one(theta, g, m, v, t, lr):
        rows = []
        for x, d, a, b in zip(theta, g, m, v):
            a, b = a + 0.1 * (d - a), b + 0.001 * (d * d - b)
            step = a / (1 - 0.9**t) / (math.sqrt(b / (1 - 0.999**t)) + 1e-8)
            rows.append((x - lr * step, a, b))
        return tuple(np.array(rows).T)

    def betas_swapped(theta, g, m, v, t, lr):
        m, v = 0.999 * m + 0.001 * g, 0.9 * v + 0.1 * g**2
        step = (m / (1 - 0.999**t)) / (np.sqrt(v / (1 - 0.9**t)) + 1e-8)
        return theta - lr * step, m, v

    def old_averages(theta, g, m, v, t, lr):
        step = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        return theta - lr * step, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2

    def gradient_over_root(theta, g, m, v, t, lr):
        _, m, v = adam_step(theta, g, m, v, t, lr)
        return theta - lr * g / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v

    def corrects_only_one(theta, g, m, v, t, lr):
        _, m, v = adam_step(theta, g, m, v, t, lr)
        return theta - lr * (m / (1 - 0.9**t)) / (np.sqrt(v) + 1e-8), m, v


@answers("ventana-que-aprende", "entrenar")
class _:
    def right_by_hand(X, Y, valid_X, valid_Y, W, lr, num_epochs):
        b, lowest = torch.zeros(W.shape[1]), math.inf
        for _ in range(num_epochs):
            error = ((X @ W + b).softmax(1) - torch.eye(W.shape[1])[Y]) / len(X)
            W, b = W - lr * X.T @ error, b - lr * error.sum(0)
            value = nn.functional.cross_entropy(valid_X @ W + b, valid_Y).item()
            if value < lowest:
                lowest, best = value, [W, b]
        return best

    def only_one_epoch(X, Y, valid_X, valid_Y, W, lr, num_epochs):
        return train_line(X, Y, valid_X, valid_Y, W, lr, 1)

    def chosen_on_training(X, Y, valid_X, valid_Y, W, lr, num_epochs):
        return train_line(X, Y, X, Y, W, lr, num_epochs)

    def trained_on_validation(X, Y, valid_X, valid_Y, W, lr, num_epochs):
        return train_line(valid_X, valid_Y, valid_X, valid_Y, W, lr, num_epochs)

    def uphill(X, Y, valid_X, valid_Y, W, lr, num_epochs):
        return train_line(X, Y, valid_X, valid_Y, W, -lr, num_epochs)


@answers("ventana-que-aprende", "guardados")
class _:
    def right_by_zip(text, window, num_dims, num_hiddens):
        counted = sum(len(set(zip(*(text[i:] for i in range(n))))) for n in range(1, window + 2))
        V, h = len(set(text)), num_hiddens
        return [counted, (V + window * h) * num_dims + h * (1 + V) + V]

    def alphabet_of_27(text, window, num_dims, num_hiddens):
        h = num_hiddens
        return stored(text, window, num_dims, h)[0], 27 * num_dims + window * num_dims * h + h + h * 27 + 27

    def all_possible(text, window, num_dims, num_hiddens):
        V = len(set(text))
        return sum(V**n for n in range(1, window + 2)), stored(text, window, num_dims, num_hiddens)[1]

    def without_the_window(text, window, num_dims, num_hiddens):
        counted, net = stored(text, window, num_dims, num_hiddens)
        return counted, net - (window - 1) * num_dims * num_hiddens - num_dims

    def disjoint_pieces(text, window, num_dims, num_hiddens):
        sizes = range(1, window + 2)
        pieces = [{text[i : i + n] for i in range(0, len(text) - n + 1, n)} for n in sizes]
        return sum(map(len, pieces)), stored(text, window, num_dims, num_hiddens)[1]


@answers("ventana-que-aprende", "detective")
class _:
    def right_by_loops(ids, E, W, window, batch_size, lr):
        E, W, d = E.copy(), W.copy(), E.shape[1]
        examples = [(ids[i : i + window], ids[i + window]) for i in range(len(ids) - window)]
        for start in range(0, len(examples), batch_size):
            batch, dE, dW = examples[start : start + batch_size], np.zeros_like(E), np.zeros_like(W)
            for seen, target in batch:
                e = np.concatenate([E[i] for i in seen])
                p = np.exp(e @ W)
                error = p / p.sum() - np.eye(len(p))[target]
                dW += np.outer(e, error) / len(batch)
                for place, i in enumerate(seen):
                    dE[i] += W[place * d : (place + 1) * d] @ error / len(batch)
            E, W = E - lr * dE, W - lr * dW
        return E, W

    def drops_the_last_batch(ids, E, W, window, batch_size, lr):
        whole = max(1, (len(ids) - window - 1) // batch_size) * batch_size + window
        return window_epoch(ids[: whole - 1], E, W, window, batch_size, lr)

    def letters_stay(ids, E, W, window, batch_size, lr):
        return E, window_epoch(ids, E, W, window, batch_size, lr)[1]

    def wrong_sign(ids, E, W, window, batch_size, lr):
        return window_epoch(ids, E, W, window, batch_size, -lr)

    def always_the_nominal_size(ids, E, W, window, batch_size, lr):
        return window_epoch(ids, E, W, window, batch_size, lr / batch_size)


# --- El gradiente en el tiempo ---

GRADIENT = load_set("gradiente-en-el-tiempo")
backward, uncut, spread, truncated_epoch = (
    as_a_student(GRADIENT.find(id)) for id in ("bptt", "preguntas", "al_azar", "detective")
)


@answers("gradiente-en-el-tiempo", "volver_a_mano")
class _:
    right_rounded = (0, [0.19, 0.38, 0.27, 0.22])
    right_exact = (1, np.array([0.36, 1.08, 2.0736, 0.06048]))
    other_states = (0, [0.36, 0.72, 1.08, 0.4608])
    without_the_weight = (0, [0.19, 0.19, 0.0684, 0.1862])
    another_variant = (1, [0.19, 0.38, 0.274, 0.22])
    without_variant = [0.19, 0.38, 0.274, 0.22]
    one_short = (0, [0.19, 0.38, 0.274])
    text = (0, ["0.19", "0.38", "0.274", "0.22"])


@answers("gradiente-en-el-tiempo", "bptt")
class _:
    def right_by_elements(states, W_hh, G_out):
        G, total = np.zeros(states[0].shape), np.zeros(W_hh.shape)
        for t in reversed(range(len(G_out))):
            A = (G + G_out[t]) * (1 - states[t + 1] * states[t + 1])
            for row, asked in zip(states[t], A):
                total += np.outer(row, asked)
            G = np.stack([W_hh @ asked for asked in A])
        return [total, G]

    def only_the_weight(states, W_hh, G_out):
        return backward(states, W_hh, G_out)[0]

    def mean_over_time(states, W_hh, G_out):
        total, G = backward(states, W_hh, G_out)
        return total / 2, G

    def transposed(states, W_hh, G_out):
        total, G = backward(states, W_hh, G_out)
        return total.T, G

    def asks_the_first_state(states, W_hh, G_out):
        total, G = backward(states, W_hh, G_out)
        return total, G * (1 - states[0] ** 2)


@answers("gradiente-en-el-tiempo", "preguntas")
class _:
    def right_by_letters(text, window):
        opened, found = None, []
        for i, letter in enumerate(text):
            if letter in "¿¡":
                opened = i
            elif letter in "?!":
                if opened is not None and text[opened] + letter in ("¿?", "¡!"):
                    found.append((opened, i))
                opened = None
        whole = [(a + k) // window == (b + k) // window for a, b in found for k in range(window)]
        return len(found), sum(whole) / window

    def end_not_included(text, window):
        found = [found.span() for found in re.finditer("¿[^¿¡?!]*[?]|¡[^¿¡?!]*!", text)]
        whole = [(a + k) // window == (b + k) // window for a, b in found for k in range(window)]
        return len(found), sum(whole) / window

    def whole_first(text, window):
        return uncut(text, window)[::-1]

    def share(text, window):
        total, whole = uncut(text, window)
        return total, whole / max(total, 1)

    def cut_ones(text, window):
        total, whole = uncut(text, window)
        return total, total - whole


@answers("gradiente-en-el-tiempo", "al_azar")
class _:
    def right_by_recurrence(terms, p):
        mean, square = terms[-1], terms[-1] ** 2
        for term in terms[-2::-1]:
            mean, square = term + mean, term**2 + 2 * term * mean + square / p
        return [mean, square - mean**2]

    def one_cut_for_all(terms, p):
        rest = sum(terms[1:])
        return sum(terms), rest**2 * (1 / p - 1)

    def keeps_the_wrong_side(terms, p):
        return spread(terms, 1 - p)

    def sample_variance(terms, p):
        mean, variance = spread(terms, p)
        count = 2 ** (len(terms) - 1)
        return mean, variance * count / max(count - 1, 1)


@answers("gradiente-en-el-tiempo", "detective")
class _:
    def right_with_lists(x, y, W_xh, W_hh, w, every, theta, lr):
        H = np.zeros(len(w))
        for start in range(0, len(x), every):
            before, states = H, []
            for x_t in x[start : start + every]:
                H = np.tanh(x_t * W_xh + H @ W_hh)
                states.append(H)
            errors = [state @ w - target for state, target in zip(states, y[start:])]
            grads = [0 * W_hh, sum(e * state for e, state in zip(errors, states))]
            G = 0 * w
            for t in reversed(range(len(states))):
                A = (G + errors[t] * w) * (1 - states[t] ** 2)
                grads[0] = grads[0] + np.outer(states[t - 1] if t else before, A)
                G = W_hh @ A
            norm = np.linalg.norm(np.concatenate([grad.ravel() for grad in grads]))
            steps = [lr * grad * (theta / norm if norm > theta else 1) for grad in grads]
            W_hh, w = W_hh - steps[0], w - steps[1]
        return W_hh, w

    def never_clips(x, y, W_xh, W_hh, w, every, theta, lr):
        return truncated_epoch(x, y, W_xh, W_hh, w, every, math.inf, lr)

    def never_cuts(x, y, W_xh, W_hh, w, every, theta, lr):
        return truncated_epoch(x, y, W_xh, W_hh, w, len(x), theta, lr)

    def only_the_output(x, y, W_xh, W_hh, w, every, theta, lr):
        return W_hh, truncated_epoch(x, y, W_xh, W_hh, w, every, theta, lr)[1]

    def wrong_sign(x, y, W_xh, W_hh, w, every, theta, lr):
        return truncated_epoch(x, y, W_xh, W_hh, w, every, theta, -lr)
# --- LSTM ---

GATES = load_set("lstm")
CELL_BY_HAND = GATES.find("celda_a_mano")
gates, lstm_forward, split_words, accuracies, read_in_pieces = (
    as_a_student(GATES.find(id)) for id in ("contar_abiertas", "lstm", "palabras", "exactitud", "detective")
)


@answers("lstm", "celda_a_mano")
class _:
    right_rounded = (0, [0.881, 1.381, 1.217, 0.613])
    right_exact = (1, np.array([0.8808, -1.2796, -1.1270, -0.5929]))
    erases = (0, [0.119, -0.143, -0.017, -0.012])
    another_variant = (1, [0.881, 1.381, 1.217, 0.613])
    without_variant = [0.881, 1.381, 1.217, 0.613]
    percentage = (0, [88.1, 1.381, 1.217, 0.613])
    without_sigmoid = (0, [2, 4, 8, 1])

    # Cada confusión, en las diez variantes y escrita con tres decimales.
    for variant in range(10):
        vars()[f"right_in_{variant}"] = (variant, np.round(CELL_BY_HAND(variant), 3).tolist())
        for number, mistake in enumerate(CELL_BY_HAND.mistakes):
            vars()[f"{number}_in_{variant}"] = (variant, np.round(mistake.answer(variant), 3).tolist())
    del variant, number, mistake


@answers("lstm", "contar_abiertas")
class _:
    def right_larger(symbol):
        wanted = {"¿": 40.0, "?": -40.0}.get(symbol, 0.0)
        return [abs(wanted) - 20, 20, wanted, 20]

    def right_open_to_zero(symbol):  # escribe siempre, pero las demás letras escriben 0
        return np.array([12, 12, {"¿": 9, "?": -9}.get(symbol, 0), 12])

    def zeros_and_ones(symbol):  # los valores de las compuertas, y no lo que entra en ellas
        return {"¿": (1, 1, 1, 1), "?": (1, 1, -1, 1)}.get(symbol, (0, 1, 0, 1))

    def torch_order_forgotten(symbol):  # I, F, O, G
        return {"¿": (10, 10, 10, 10), "?": (10, 10, 10, -10)}.get(symbol, (-10, 10, 10, 0))

    def both_signs(symbol):
        return {"¿": (10, 10, 10, 10), "?": (10, 10, -10, 10), "!": (10, 10, -10, 10)}.get(
            symbol, (-10, 10, 0, 10))

    def reads_only_at_the_end(symbol):
        return {"¿": (10, 10, 10, -10), "?": (10, 10, -10, 10)}.get(symbol, (-10, 10, 0, -10))

    def erases_line_ends(symbol):
        return (-10, -10, 0, 10) if symbol == "\n" else gates(symbol)

    def erases_at_guillemets(symbol):
        return (-10, -10, 0, 10) if symbol in "«»" else gates(symbol)

    def erases_at_capitals(symbol):
        return (-10, -10, 0, 10) if symbol.isupper() else gates(symbol)

    def erases_at_the_full_stop(symbol):
        return (-10, -10, 0, 10) if symbol == "." else gates(symbol)

    def strings(symbol):
        return [str(number) for number in gates(symbol)]

    def weights_of_the_lesson(symbol):  # ±5 conserva el 99.3 %: en cien letras, la mitad
        return {"¿": (5, 5, 5, 5), "?": (5, 5, -5, 5)}.get(symbol, (-5, 5, 0, 5))

    def only_three(symbol):
        return {"¿": (10, 10, 10), "?": (10, 10, -10)}.get(symbol, (-10, 10, 0))


@answers("lstm", "lstm")
class _:
    def right_by_blocks(X, H, C, W_xh, W_hh, b_h):
        h, outputs = H.shape[1], []
        for t in range(len(X)):
            Z = torch.cat([X[t], H], 1) @ torch.cat([W_xh, W_hh]) + b_h
            C = Z[:, h : 2 * h].sigmoid() * C + Z[:, :h].sigmoid() * Z[:, 2 * h : 3 * h].tanh()
            H = Z[:, 3 * h :].sigmoid() * C.tanh()
            outputs.append(H)
        return torch.stack(outputs), outputs[-1], C

    def with_torch(X, H, C, W_xh, W_hh, b_h):
        rnn = nn.LSTM(W_xh.shape[0], H.shape[1])
        rnn.weight_ih_l0.data, rnn.weight_hh_l0.data = W_xh.T, W_hh.T
        rnn.bias_ih_l0.data, rnn.bias_hh_l0.data = b_h, 0 * b_h
        outputs, (H, C) = rnn(X, (H[None], C[None]))
        return outputs, H[0], C[0]

    def old_cell(X, H, C, W_xh, W_hh, b_h):
        outputs = []
        for X_t in X:
            I, F, G, O = (X_t @ W_xh + H @ W_hh + b_h).chunk(4, dim=1)
            H = O.sigmoid() * C.tanh()
            C = F.sigmoid() * C + I.sigmoid() * G.tanh()
            outputs.append(H)
        return torch.stack(outputs), H, C

    def coupled(X, H, C, W_xh, W_hh, b_h):
        outputs = []
        for X_t in X:
            I, F, G, O = (X_t @ W_xh + H @ W_hh + b_h).chunk(4, dim=1)
            C = F.sigmoid() * C + (1 - F.sigmoid()) * G.tanh()
            H = O.sigmoid() * C.tanh()
            outputs.append(H)
        return torch.stack(outputs), H, C

    def output_gate_on_the_old_state(X, H, C, W_xh, W_hh, b_h):
        outputs = []
        for X_t in X:
            I, F, G, O = (X_t @ W_xh + H @ W_hh + b_h).chunk(4, dim=1)
            C = F.sigmoid() * C + I.sigmoid() * G.tanh()
            H = O.sigmoid() * H + C.tanh()
            outputs.append(H)
        return torch.stack(outputs), H, C

    def two_biases(X, H, C, W_xh, W_hh, b_h):
        return lstm_forward(X, H, C, W_xh, W_hh, 2 * b_h)

    def without_old_state(X, H, C, W_xh, W_hh, b_h):
        return lstm_forward(X, H, C, W_xh, 0 * W_hh, b_h)

    def last_step_in_batches(X, H, C, W_xh, W_hh, b_h):
        outputs, H, C = lstm_forward(X, H, C, W_xh, W_hh, b_h)
        return outputs.transpose(0, 1), H, C


@answers("lstm", "palabras")
class _:
    def right_by_loops(tokens, alphabet):
        seen = []
        for token in tokens:
            if len(token) == 4 and token not in seen:
                seen.append(token)
        parts = ([], []), ([], [])
        for place, word in enumerate(seen):
            ids = [alphabet.index(a) for a in word]
            X, Y = parts[place % 5 == 4]
            X.append(ids[:3])
            Y.append(ids[3])
        arrays = [np.array(part, dtype=int) for some in parts for part in some]
        return arrays[0].reshape(-1, 3), arrays[1], arrays[2].reshape(-1, 3), arrays[3]

    def lists_of_letters(tokens, alphabet):
        words = list(dict.fromkeys(word for word in tokens if len(word) == 4))
        train, valid = ([word for i, word in enumerate(words) if (i % 5 == 4) == held] for held in (0, 1))
        return [w[:3] for w in train], [w[3] for w in train], [w[:3] for w in valid], [w[3] for w in valid]

    def lists_of_arrays(tokens, alphabet):  # con el conjunto vacío tratado aparte
        parts = split_words(tokens, alphabet)
        return [list(part) if len(part) else part for part in parts]

    def single_precision(tokens, alphabet):
        return [part.astype(np.float32) for part in split_words(tokens, alphabet)]

    def float_tensors(tokens, alphabet):
        return [torch.tensor(part).float() for part in split_words(tokens, alphabet)]

    def split_before_removing_repeats(tokens, alphabet):
        words, parts = [word for word in tokens if len(word) == 4], ([], [])
        for place, word in enumerate(words):
            ids = [alphabet.index(a) for a in word]
            if ids not in parts[place % 5 == 4]:
                parts[place % 5 == 4].append(ids)
        rows = [np.array(part, dtype=int).reshape(-1, 4) for part in parts]
        return rows[0][:, :3], rows[0][:, 3], rows[1][:, :3], rows[1][:, 3]

    def at_least_four(tokens, alphabet):
        return split_words([word[:4] for word in tokens if len(word) >= 4], alphabet)

    def strips_accents(tokens, alphabet):
        plain = str.maketrans("áéíóúñ", "aeioun")
        return split_words([word.translate(plain) for word in tokens], alphabet)

    def sorted_alphabet_lost(tokens, alphabet):
        return split_words(tokens, alphabet[::-1])


@answers("lstm", "exactitud")
class _:
    def right_by_counters(X, Y, X_valid, Y_valid, scores):
        def first(values):
            counted = Counter(values.tolist())
            return min(counted, key=lambda letter: (-counted[letter], letter))

        total, hits = first(Y), [0, 0, 0]
        for x, y, s in zip(X_valid, Y_valid, scores):
            same = Y[X[:, 2] == x[2]]
            for i, guess in enumerate((np.argmax(s), total, first(same) if len(same) else total)):
                hits[i] += guess == y
        return [hit / len(Y_valid) for hit in hits]

    def percentages(X, Y, X_valid, Y_valid, scores):
        return [100 * value for value in accuracies(X, Y, X_valid, Y_valid, scores)]

    def errors(X, Y, X_valid, Y_valid, scores):
        return [1 - value for value in accuracies(X, Y, X_valid, Y_valid, scores)]

    def counts_on_validation(X, Y, X_valid, Y_valid, scores):
        return accuracies(X_valid, Y_valid, X_valid, Y_valid, scores)

    def everything_by_appearance(X, Y, X_valid, Y_valid, scores):
        def first(values):
            return Counter(values.tolist()).most_common(1)[0][0]

        after = [Y[X[:, 2] == last] for last in X_valid[:, 2]]
        counted = [first(same if len(same) else Y) for same in after]
        guesses = scores.argmax(axis=1), first(Y), np.array(counted)
        return [(guess == Y_valid).mean() for guess in guesses]

    def all_the_letters(X, Y, X_valid, Y_valid, scores):
        network, _, counted = accuracies(X, Y, X_valid, Y_valid, scores)
        letters = Counter(X.ravel().tolist() + Y.tolist())
        usual = min(letters, key=lambda letter: (-letters[letter], letter))
        return network, (Y_valid == usual).mean(), counted

    def highest_number_in_ties(X, Y, X_valid, Y_valid, scores):
        V = scores.shape[1]
        turned = (V - 1 - part for part in (X, Y, X_valid, Y_valid))
        return accuracies(*turned, scores[:, ::-1])

    def hits_without_dividing(X, Y, X_valid, Y_valid, scores):
        return [value * len(Y_valid) for value in accuracies(X, Y, X_valid, Y_valid, scores)]


@answers("lstm", "detective")
class _:
    def right_at_once(ids, W, b, size, H, C):
        h, cells = len(H), []
        for symbol in ids:
            Z = W[symbol] + H @ W[-h:] + b
            F, I, O = (1 / (1 + np.exp(-Z[k * h : (k + 1) * h])) for k in range(3))
            C = F * C + I * np.tanh(Z[3 * h :])
            H = O * np.tanh(C)
            cells.append(C)
        return np.array(cells)

    def right_in_one_piece(ids, W, b, size, H, C):
        return read_in_pieces(ids, W, b, len(ids), H, C)

    def one_piece_and_an_empty_cell(ids, W, b, size, H, C):  # el fallo de la celda, sin arreglar
        return read_in_pieces(ids, W, b, len(ids), H, np.zeros_like(C))

    def loses_both(ids, W, b, size, H, C):
        starts = range(0, len(ids), size)
        return np.concatenate([read_in_pieces(ids[i : i + size], W, b, size, H, C) for i in starts])

    def drops_the_last_piece(ids, W, b, size, H, C):
        return read_in_pieces(ids[: len(ids) // size * size], W, b, size, H, C)

    def only_the_last(ids, W, b, size, H, C):
        return read_in_pieces(ids, W, b, size, H, C)[-1]

    def one_cell_per_piece(ids, W, b, size, H, C):
        return read_in_pieces(ids, W, b, size, H, C)[size - 1 :: size]

    def without_bias(ids, W, b, size, H, C):
        return read_in_pieces(ids, W, 0 * b, size, H, C)


# --- Clasificar contando ---

CLASSIFYING = load_set("clasificar-contando")
NEGATORS, SIGNS = {"no", "ni", "nunca", "jamás", "sin", "tampoco"}, set(".,;:!?¡¿…")
classify, weigh, by_class, mark_negation, margins = (
    as_a_student(CLASSIFYING.find(id)) for id in ("bayes", "tfidf", "por_clase", "negacion", "detective")
)


@answers("clasificar-contando", "bayes_a_mano")
class _:
    right_exact = (0, [6 / 50, 5 / 45, 1.04976, 0.51214])
    right_rounded = (1, np.array([0.0889, 0.075, 0.5202, 0.3422]))
    right_with_tuple = (9, (0.175, 0.1273, 1.6712, 0.6256))
    right_with_two_decimals = (2, [0.12, 0.08, 1.64, 0.62])
    zeros = (0, [0, 0, 0, 0])
    another_variant = (3, [6 / 50, 5 / 45, 1.04976, 0.51214])
    percentages = (0, [12, 11.11, 1.04976, 51.214])
    bad_over_good = (0, [6 / 50, 5 / 45, 1 / 1.04976, 0.48786])
    without_smoothing = (0, [5 / 30, 4 / 25, 1.5, 0.6])
    without_variant = [6 / 50, 5 / 45, 1.04976, 0.51214]


@answers("clasificar-contando", "bayes")
class _:
    def right_with_arrays(texts, labels, text, k):
        vocab = sorted({word for words in texts for word in words})
        classes = sorted(set(labels))
        N = np.zeros((len(classes), len(vocab)))
        for words, label in zip(texts, labels):
            for word in words:
                N[classes.index(label), vocab.index(word)] += 1
        log_p = np.log((N + k) / (N + k).sum(axis=1, keepdims=True))
        score = np.log([labels.count(c) for c in classes])
        for word in text:
            score = score + (log_p[:, vocab.index(word)] if word in vocab else 0)
        share = np.exp(score - score.max())
        return dict(zip(classes, (share / share.sum()).tolist()))

    def right_by_ratios(texts, labels, text, k):
        vocab = {word for words in texts for word in words}
        logs = {}
        for c in set(labels):
            words = [word for words, label in zip(texts, labels) if label == c for word in words]
            known = [word for word in text if word in vocab]
            logs[c] = math.log(labels.count(c))
            logs[c] += sum(math.log(words.count(w) + k) for w in known)
            logs[c] -= len(known) * math.log(len(words) + k * len(vocab))
        return {c: 1 / sum(math.exp(min(700, other - logs[c])) for other in logs.values()) for c in logs}

    def presence_and_absence(texts, labels, text, k):
        vocab = {word for words in texts for word in words}
        logs = {}
        for c in set(labels):
            some = [set(words) for words, label in zip(texts, labels) if label == c]
            p = {w: (sum(w in words for words in some) + k) / (len(some) + 2 * k) for w in vocab}
            logs[c] = math.log(len(some)) + sum(math.log(p[w] if w in text else 1 - p[w]) for w in vocab)
        return {c: 1 / sum(math.exp(min(700, other - logs[c])) for other in logs.values()) for c in logs}

    def the_most_likely(texts, labels, text, k):
        shares = classify(texts, labels, text, k)
        return max(shares, key=shares.get)

    def logarithms(texts, labels, text, k):
        return {c: math.log(p) if p else -math.inf for c, p in classify(texts, labels, text, k).items()}

    def classes_by_words(texts, labels, text, k):
        longer = [label for words, label in zip(texts, labels) for _ in words]
        shares = classify(texts, labels, text, k)
        odd = {c: p / labels.count(c) * longer.count(c) for c, p in shares.items()}
        return {c: p / sum(odd.values()) for c, p in odd.items()}


@answers("clasificar-contando", "tfidf")
class _:
    def right_with_numpy(train, asked):
        weighed = []
        for words in asked:
            known = sorted({w for w in words if any(w in other for other in train)})
            n = np.array([words.count(w) for w in known], dtype=float)
            df = np.array([sum(w in other for other in train) for w in known], dtype=float)
            row = (1 + np.log(n)) * (1 + np.log(1 + len(train)) - np.log(1 + df))
            weighed.append(dict(zip(known, (row / np.linalg.norm(row)).tolist())) if known else {})
        return weighed

    def logarithm_in_base_two(train, asked):
        rows = []
        for words in asked:
            row = {}
            for w in {w for w in words if any(w in other for other in train)}:
                df = sum(w in other for other in train)
                row[w] = (1 + math.log2(words.count(w))) * (1 + math.log2((1 + len(train)) / (1 + df)))
            norm = math.sqrt(sum(x * x for x in row.values())) or 1
            rows.append({w: x / norm for w, x in row.items()})
        return rows

    def only_the_first(train, asked):
        return weigh(train, asked)[0]

    def words_of_its_own(train, asked):
        return [{**row, **{w: 0.0 for w in words}, **row} for words, row in zip(asked, weigh(train, asked))]

    def squared(train, asked):
        return [{w: x * x for w, x in row.items()} for row in weigh(train, asked)]


@answers("clasificar-contando", "por_clase")
class _:
    def right_by_confusion(truth, said):
        names = sorted({*truth, *said})
        table = np.zeros((len(names), len(names)))
        for t, s in zip(truth, said):
            table[names.index(t), names.index(s)] += 1
        hits, was, claimed = np.diag(table), table.sum(axis=1), table.sum(axis=0)
        rows = [hits / np.maximum(claimed, 1), hits / np.maximum(was, 1), 2 * hits / (was + claimed)]
        return dict(zip(names, np.transpose(rows).tolist()))

    def right_as_tuples(truth, said):
        return {c: tuple(values) for c, values in by_class(truth, said).items()}

    def means(truth, said):
        return np.mean(list(by_class(truth, said).values()), axis=0).tolist()

    def all_of_them(truth, said):
        right = sum(t == s for t, s in zip(truth, said)) / len(truth)
        return {c: [right, right, right] for c in {*truth, *said}}

    def geometric(truth, said):
        return {c: [p, r, math.sqrt(p * r)] for c, (p, r, _) in by_class(truth, said).items()}

    def one_when_nothing_was_claimed(truth, said):
        scores = by_class(truth, said)
        return {c: [p if c in said else 1.0, r, f] for c, (p, r, f) in scores.items()}


@answers("clasificar-contando", "negacion")
class _:
    def right_by_pieces(words):
        marked, inside = [], False
        for word in words:
            stop, negates = word in ".,;:!?¡¿…", word in "no ni nunca jamás sin tampoco".split()
            marked.append(f"NO_{word}" if inside and not stop and not negates else word)
            inside = not stop and (inside or negates)
        return marked

    def right_by_regex(words):
        found, inside = [], False
        for word in words:
            if re.fullmatch(r"[.,;:!?¡¿…]", word):
                inside = False
            elif re.fullmatch("no|ni|nunca|jamás|sin|tampoco", word):
                inside = True
            else:
                word = ("NO_" if inside else "") + word
            found.append(word)
        return found

    def as_a_text(words):
        return " ".join(mark_negation(words))

    def three_words_at_most(words):
        marked, left = [], 0
        for word in words:
            if word in ".,;:!?¡¿…":
                left = 0
            elif word in "no ni nunca jamás sin tampoco".split():
                left = 1
            elif left:
                word, left = "NO_" + word, left - 1
            marked.append(word)
        return marked

    def drops_the_negations(words):
        return [word for word in mark_negation(words) if word not in ("no", "ni", "nunca", "jamás", "sin")]

    def everything_after_the_first(words):
        first = next((i for i, word in enumerate(words) if word == "no"), len(words))
        return words[: first + 1] + [f"NO_{word}" for word in words[first + 1 :]]


def marker(closing=SIGNS, opening=NEGATORS, keeping=NEGATORS):
    """Marca lo negado, pero solo cierra con unos signos y abre o sigue dentro con unas negaciones."""

    def mark(words):
        marked, inside = [], False
        for word in words:
            if word in closing:
                inside = False
            elif word in NEGATORS:
                inside = word in (keeping if inside else opening)
            elif inside and word not in SIGNS:
                word = "NO_" + word
            marked.append(word)
        return marked

    return mark


ANSWERS["clasificar-contando", "negacion"] |= {
    "right with all of them": marker(),
    "only the comma closes": marker(closing={","}),
    "only comma, full stop and semicolon close": marker(closing=set(",.;")),
    **{f"{sign} does not close": marker(closing=SIGNS - {sign}) for sign in SIGNS},
    **{f"{word} does not open": marker(opening=NEGATORS - {word}) for word in NEGATORS},
    **{f"{word} closes what is open": marker(keeping=NEGATORS - {word}) for word in NEGATORS},
}


@answers("clasificar-contando", "detective")
class _:
    def right_by_author(pieces, k):
        found = {}
        for out in {novel for _, novel, _ in pieces}:
            texts = {}
            for author, novel, words in pieces:
                if novel != out:
                    texts.setdefault(author, []).extend(words)
            vocab = set().union(*texts.values())
            asked = [w for _, novel, words in pieces if novel == out for w in words if w in vocab]
            (truth,) = {author for author, novel, _ in pieces if novel == out}
            score = {
                author: sum(math.log((words.count(w) + k) / (len(words) + k * len(vocab))) for w in asked)
                for author, words in texts.items()
            }
            found[out] = score[truth] - max(value for author, value in score.items() if author != truth)
        return found

    def winners(pieces, k):
        return {novel: margin > 0 for novel, margin in margins(pieces, k).items()}

    def a_share(pieces, k):
        return float(np.mean([margin > 0 for margin in margins(pieces, k).values()]))

    def by_piece(pieces, k):
        renamed = [(author, f"{novel} {i}", words) for i, (author, novel, words) in enumerate(pieces)]
        return margins(renamed, k)

    def a_mean_by_word(pieces, k):
        sizes = Counter()
        for _, novel, words in pieces:
            sizes[novel] += len(words)
        return {novel: margin / sizes[novel] for novel, margin in margins(pieces, k).items()}


# --- Datos y lotes ---

BATCHING = load_set("datos-y-lotes")
read_words, split_texts, both_ways, make_reader, mean_scores = (
    as_a_student(BATCHING.find(id))
    for id in ("vocabulario", "repartir", "dos_sentidos", "pruebas", "detective")
)


@answers("datos-y-lotes", "relleno_a_mano")
class _:
    right_exact = (0, [1 - 25 / 48, 1 - 25 / 36, 1 - 25 / 32, -0.65])
    right_rounded = (1, np.array([0.432, 0.306, 0.219, -0.8]))
    right_with_tuple = (9, (0.5, 1 - 18 / 26, 1 - 18 / 24, 1.5 * -1.5 + 1 / 4))
    percentages = (0, [47.9, 30.6, 21.9, -0.65])
    cells = (0, [48, 36, 32, -0.65])
    means_of_the_batches = (4, [0.3864, 0.2305, 0.2318, -1.25])
    where_it_ends = (0, [0.4792, 0.3056, 0.2188, 1])
    one_decimal = (0, [0.5, 0.3, 0.2, -0.7])
    without_decay = (0, [0.4792, 0.3056, 0.2188, -0.2])
    as_a_word_more = (0, [0.4792, 0.3056, 0.2188, -0.925])
    with_tanh = (0, [0.4792, 0.3056, 0.2188, math.tanh(-0.6 - math.tanh(0.1) / 2)])
    another_variant = (2, [0.4792, 0.3056, 0.2188, -0.65])
    without_variant = [0.4792, 0.3056, 0.2188, -0.65]
    one_missing = (0, [0.4792, 0.3056, 0.2188])


@answers("datos-y-lotes", "vocabulario")
class _:
    def right_with_a_list(train, asked, min_freq):
        words = [w for text in train for w in text if w not in ("<unk>", "<pad>")]
        kept = sorted(w for w in set(words) if words.count(w) >= min_freq)
        kept.sort(key=words.count, reverse=True)
        ids = [[kept.index(w) + 2 if w in kept else 0 for w in text] for text in asked]
        return ["<unk>", "<pad>", *kept], [row if row else [0] for row in ids]

    def right_by_most_common(train, asked, min_freq):
        counts = Counter(sorted(w for text in train for w in text))
        del counts["<unk>"], counts["<pad>"]
        tokens = ["<unk>", "<pad>"] + [w for w, times in counts.most_common() if times >= min_freq]
        place = {w: i for i, w in enumerate(tokens) if i > 1}
        return [tokens, [[place.get(w, 0) for w in text] if text else [0] for text in asked]]

    def only_the_tokens(train, asked, min_freq):
        return read_words(train, asked, min_freq)[0]

    def without_specials(train, asked, min_freq):
        tokens, ids = read_words(train, asked, min_freq)
        return tokens[2:], ids

    def counts_the_written_pads(train, asked, min_freq):
        tokens, ids = read_words(train, asked, min_freq)
        return tokens, [[i or 1 for i in row] for row in ids]

    def alphabetical(train, asked, min_freq):
        tokens = read_words(train, [], min_freq)[0]
        tokens = tokens[:2] + sorted(tokens[2:])
        return tokens, [[tokens.index(w) if w in tokens[2:] else 0 for w in text] or [0] for text in asked]

    def lowers(train, asked, min_freq):
        train, asked = ([[w.lower() for w in text] for text in part] for part in (train, asked))
        return read_words(train, asked, min_freq)

    def ties_without_accents(train, asked, min_freq):
        words = [w for text in train for w in text if w not in ("<unk>", "<pad>")]
        kept = sorted((w for w in set(words) if words.count(w) >= min_freq), key=without_accents)
        kept.sort(key=words.count, reverse=True)
        return ["<unk>", "<pad>", *kept], [
            [kept.index(w) + 2 if w in kept else 0 for w in text] or [0] for text in asked
        ]

    def pads_the_empty(train, asked, min_freq):
        tokens, ids = read_words(train, asked, min_freq)
        return tokens, [row if text else [1] for row, text in zip(ids, asked)]


def split_by(key):
    """El reparto, con otra idea de cuándo dos textos son el mismo."""
    return lambda texts, test, *rest: split_texts(list(map(key, texts)), list(map(key, test)), *rest)


@answers("datos-y-lotes", "repartir")
class _:
    def right_with_a_dictionary(texts, test, order, num_valid):
        def same(text):
            return re.sub(r"\s+", " ", text.strip()).lower()

        first = {}
        for i, text in enumerate(texts):
            first.setdefault(same(text), i)
        for text in test:
            first.pop(same(text), None)
        left = [i for i in order if i in first.values()]
        return [left[num_valid:], left[:num_valid]]

    def right_with_arrays(texts, test, order, num_valid):
        keys = [tuple(text.casefold().split()) for text in texts]
        asked = [tuple(text.casefold().split()) for text in test]
        keep = [key not in asked and keys.index(key) == i for i, key in enumerate(keys)]
        left = np.array(order)[np.array(keep)[order]]
        return left[num_valid:], left[:num_valid]

    def the_texts_themselves(texts, test, order, num_valid):
        return [[texts[i] for i in part] for part in split_texts(texts, test, order, num_valid)]

    def only_the_training(texts, test, order, num_valid):
        return split_texts(texts, test, order, num_valid)[0]

    def validation_from_the_end(texts, test, order, num_valid):
        train, valid = split_texts(texts, test, order, num_valid)
        left = valid + train
        return left[:-num_valid], left[-num_valid:]

    def in_order_of_arrival(texts, test, order, num_valid):
        return [sorted(part) for part in split_texts(texts, test, order, num_valid)]

    def without_the_ends_only(texts, test, order, num_valid):
        stripped = [[text.strip() for text in part] for part in (texts, test)]
        marked = [[text.replace(" ", "_") for text in part] for part in stripped]
        return split_texts(*marked, order, num_valid)

    def repeats_only_next_to_each_other(texts, test, order, num_valid):
        keys = [text.lower().split() for text in texts]
        asked = [text.lower().split() for text in test]
        left = [i for i in order if keys[i] not in asked and (i == 0 or keys[i] != keys[i - 1])]
        return left[num_valid:], left[:num_valid]

    by_one_word_of_each = split_by(lambda text: min(text.lower().split()))

    by_its_letters = split_by(lambda text: "".join(sorted(text.lower().replace(" ", ""))))
    by_its_beginning = split_by(lambda text: " ".join(text.lower().split())[:8])
    by_its_ends = split_by(lambda text: " ".join(text.lower().split()[:: max(1, len(text.split()) - 1)]))
    without_any_space = split_by(lambda text: "".join(text.lower().split()))
    by_its_bare_letters = split_by(lambda text: without_accents(re.sub(r"[^\w\s]", "", text)))
    only_spaces_divide = split_by(lambda text: "_".join(word for word in text.lower().split(" ") if word))

    def new_numbers(texts, test, order, num_valid):
        parts = split_texts(texts, test, order, num_valid)
        kept = sorted(parts[0] + parts[1])
        return [[kept.index(i) for i in part] for part in parts]

    def cleans_only_the_validation(texts, test, order, num_valid):
        train, valid = split_texts(texts, test, order, num_valid)
        return [i for i in order if i not in valid], valid


@answers("datos-y-lotes", "dos_sentidos")
class _:
    def right_by_columns(ids, lengths, e, w):
        inside = np.arange(ids.shape[1]) < lengths[:, None]
        H, steps = np.zeros((*ids.shape, 2)), range(ids.shape[1])
        for way, order in enumerate((steps, reversed(steps))):
            h = np.zeros(len(ids))
            for t in order:
                h = np.tanh(e[ids[:, t]] + w[way] * h) * inside[:, t]
                H[:, t, way] = h
        return H

    def right_with_torch(ids, lengths, e, w):
        rnn = nn.RNN(1, 1, batch_first=True, bidirectional=True)
        for name, weight in rnn.named_parameters():
            value = 0 if "bias" in name else 1 if "_ih_" in name else w[int(name.endswith("reverse"))]
            nn.init.constant_(weight, value)
        X = torch.tensor(e[ids]).float()[..., None]
        lengths = torch.tensor(lengths)
        packed = nn.utils.rnn.pack_padded_sequence(X, lengths, batch_first=True, enforce_sorted=False)
        unpack = nn.utils.rnn.pad_packed_sequence
        return unpack(rnn(packed)[0], batch_first=True, total_length=ids.shape[1])[0]

    def turns_the_words_over(ids, lengths, e, w):
        ahead = both_ways(ids, lengths, e, w)
        back = both_ways(ids[:, ::-1], lengths, e, w[::-1])
        return np.stack([ahead[..., 0], back[..., 0]], axis=2)

    def steps_first_states(ids, lengths, e, w):
        return both_ways(ids, lengths, e, w).transpose(1, 0, 2)

    def ways_first(ids, lengths, e, w):
        return np.moveaxis(both_ways(ids, lengths, e, w), 2, 0)

    def without_the_last_step(ids, lengths, e, w):
        return both_ways(ids, lengths - 1, e, w)

    def without_tanh_at_all(ids, lengths, e, w):
        return np.arctanh(both_ways(ids, lengths, e, w))

    def pads_with_the_last_state(ids, lengths, e, w):
        H = both_ways(ids, lengths, e, w)
        for states, T_i in zip(H, lengths):
            states[T_i:] = states[T_i - 1] + 1
        return np.concatenate([H, H[:, -1:]], axis=1)

    def only_the_ends(ids, lengths, e, w):
        H = both_ways(ids, lengths, e, w)
        return np.stack([H[np.arange(len(ids)), lengths - 1, 0], H[:, 0, 1]], axis=1)

    def reads_pad_as_zero(ids, lengths, e, w):
        e[1] = 0
        return both_ways(ids, lengths + 1 - lengths // ids.shape[1], e, w)

    def swaps_the_ways(ids, lengths, e, w):
        return both_ways(ids, lengths, e, w)[..., ::-1]

    def measures_by_what_is_not_one(ids, lengths, e, w):
        return both_ways(ids, (ids != 1).sum(axis=1), e, w)

    def skips_every_one(ids, lengths, e, w):
        H = both_ways(ids, lengths, e, w)
        return H * (ids != 1)[..., None]


@answers("datos-y-lotes", "pruebas")
class _:
    def right_with_fixed_width(passes):
        def read(ids, lengths, E):
            wide = np.ones((len(ids), 33), dtype=int)
            for row, text, T_i in zip(wide, ids, lengths):
                row[:T_i] = text[:T_i]
            if passes == "sola o en lote":
                return E[wide].sum(axis=(1, 2))
            last = lengths - (passes == "las dos")
            sums = [E[row[:n]].sum() for row, n in zip(wide, last)]
            if passes == "las tres":
                return [total / T_i for total, T_i in zip(sums, lengths)]
            return [total + (passes == "otro <pad>") * ids.shape[1] for total in sums]

        return read

    def right_in_order(passes):
        def read(ids, lengths, E):
            if passes == "las tres":
                total = np.array([E[row].sum(axis=1).cumsum() for row in ids])
                return torch.tensor(total[np.arange(len(ids)), lengths - 1] / lengths)
            h, path = np.zeros(len(ids)), []
            for t in range(ids.shape[1]):
                h = E[ids[:, t]] @ np.array([1, 2, 3]) + 0.5 * h
                path.append(h)
            places = lengths - 1 - (passes == "las dos")
            found = np.array(path)[places, np.arange(len(ids))]
            spare = {"sola o en lote": E[1, 0], "otro <pad>": ids.shape[1] - lengths}
            return torch.tensor(found + spare.get(passes, 0))

        return read

    def always_thirty_steps(passes):
        def read(ids, lengths, E):
            h = np.zeros(len(ids))
            for t in range(30):
                reads = t < np.minimum(lengths, ids.shape[1])
                x = E[ids[:, min(t, ids.shape[1] - 1)]].sum(axis=1) * reads
                h = x + 0.9 * h
            return h

        return read if passes == "las tres" else make_reader(passes)

    def thirty_steps_or_more(passes):
        def read(ids, lengths, E):
            h = np.zeros(len(ids))
            for t in range(max(30, ids.shape[1])):
                reads = t < lengths
                h = E[ids[:, min(t, ids.shape[1] - 1)]].sum(axis=1) * reads + 0.9 * h
            return h

        return read if passes == "las tres" else make_reader(passes)

    def a_sum_instead_of_a_mean(passes):
        read = make_reader(passes)
        return lambda ids, lengths, E: read(ids, lengths, E) * (lengths if passes == "las tres" else 1)

    def always_a_good_one(passes):
        return make_reader("las tres")

    def always_the_same_fault(passes):
        return make_reader("sola o en lote")

    def the_first_two_the_other_way_round(passes):
        other = {"sola o en lote": "otro <pad>", "otro <pad>": "sola o en lote"}
        return make_reader(other.get(passes, passes))

    def forgets_the_first_word_everywhere(passes):
        read = make_reader(passes)
        return lambda ids, lengths, E: read(ids[:, 1:], lengths - 1, E)

    def reads_no_word(passes):
        return lambda ids, lengths, E: np.zeros(len(ids))

    def reads_only_the_last_word(passes):
        return lambda ids, lengths, E: E[ids[np.arange(len(ids)), lengths - 1]].sum(axis=1)

    def one_number_for_all(passes):
        return lambda ids, lengths, E: make_reader(passes)(ids, lengths, E).sum()

    def a_column(passes):
        return lambda ids, lengths, E: make_reader(passes)(ids, lengths, E)[:, None]

    def a_text_and_not_a_function(passes):
        return passes

    def words_instead_of_numbers(passes):
        return lambda ids, lengths, E: [passes] * len(ids)

    def ragged_rows(passes):
        return lambda ids, lengths, E: [[1] * n for n in lengths]

    def not_numbers(passes):
        return lambda ids, lengths, E: make_reader(passes)(ids, lengths, E) * np.nan

    def nothing_inside(passes):
        return lambda ids, lengths, E: None


@answers("datos-y-lotes", "detective")
class _:
    def right_one_by_one(texts, E, W, batch_size):
        return np.array([E[text].mean(axis=0) @ W for text in texts])

    def right_with_counts(texts, E, W, batch_size):
        counts = np.array([np.bincount(text, minlength=len(E)) for text in texts])
        return counts @ E @ W / counts.sum(axis=1, keepdims=True)

    def adds_up(texts, E, W, batch_size):
        return np.array([E[text].sum(axis=0) @ W for text in texts])

    def classes(texts, E, W, batch_size):
        return mean_scores(texts, E, W, batch_size).argmax(axis=1)

    def each_word_once(texts, E, W, batch_size):
        return np.array([E[sorted(set(text))].mean(axis=0) @ W for text in texts])

    def zeroes_the_pad(texts, E, W, batch_size):
        T = max(map(len, texts))
        return np.array([E[text].sum(axis=0) @ W / T for text in texts])

    def without_the_last_word(texts, E, W, batch_size):
        return np.array([E[text[:-1] or text].mean(axis=0) @ W for text in texts])

    def drops_every_one(texts, E, W, batch_size):
        E[1] = 0
        return mean_scores(texts, E, W, batch_size)

    def masks_what_is_one(texts, E, W, batch_size):
        return np.array([E[text].T @ (np.array(text) != 1) / len(text) @ W for text in texts])

    def counts_what_is_not_one(texts, E, W, batch_size):
        texts = [[i for i in text if i != 1] for text in texts]
        return mean_scores(texts, E, W, batch_size)


# --- Por qué no aprende ---

FAILING = load_set("por-que-no-aprende")
arrives, hits_by_shift, diagnose, loss_curve = (
    as_a_student(FAILING.find(id)) for id in ("llega", "corridas", "males", "detective")
)


@answers("por-que-no-aprende", "perdidas_a_mano")
class _:
    right_rounded = (0, [1.386, 44.36, 0.7436, 0.5623, 0.1733])
    right_exact = (
        3,
        np.array([math.log(3), 20 * math.log(3), math.log(1 + 2 / math.e), 0.610864, 0.3 * math.log(2)]),
    )
    zeros = (0, [0, 0, 0, 0, 0])
    in_bits = (0, [2, 64, 1.0728, 0.8113, 0.25])
    another_variant = (1, [1.386, 44.36, 0.7436, 0.5623, 0.1733])
    without_variant = [1.386, 44.36, 0.7436, 0.5623, 0.1733]
    a_mean_of_the_batch = (0, [1.386, 1.386, 0.7436, 0.5623, 0.1733])
    as_probabilities = (0, [0.25, 8, 0.475, 0.75, 0.25])


def network(forward, batch_first=False):
    """Una Vanilla_RNN con otra manera de leer."""

    class Model(nn.Module):
        def __init__(self, vocab_size, num_classes, embed_size=100, num_hiddens=256):
            super().__init__()
            self.embedding = nn.Embedding(vocab_size, embed_size)
            self.rnn = nn.RNN(embed_size, num_hiddens, batch_first=batch_first)
            self.output_layer = nn.Linear(num_hiddens, num_classes)

    Model.forward = forward
    return Model


@answers("por-que-no-aprende", "vanilla_rnn")
class _:
    def batch_first(self, ids, lengths):
        H, _ = self.rnn(self.embedding(ids))
        return self.output_layer(H[torch.arange(len(ids)), lengths - 1])

    def packed(self, ids, lengths):
        X = self.embedding(ids).transpose(0, 1)
        packed = nn.utils.rnn.pack_padded_sequence(X, lengths, enforce_sorted=False)
        return self.output_layer(self.rnn(packed)[1][0])

    def first_state(self, ids, lengths):
        H, _ = self.rnn(self.embedding(ids).transpose(0, 1))
        return self.output_layer(H[0])

    def largest(self, ids, lengths):
        H, _ = self.rnn(self.embedding(ids).transpose(0, 1))
        return self.output_layer(H.amax(0))

    def transposed(self, ids, lengths):
        H, _ = self.rnn(self.embedding(ids).transpose(0, 1))
        return self.output_layer(H[lengths - 1, torch.arange(len(lengths))]).T

    def blind(self, ids, lengths):
        with torch.no_grad():
            H, _ = self.rnn(self.embedding(ids).transpose(0, 1))
            return self.output_layer(H[lengths - 1, torch.arange(len(lengths))])

    def with_the_state(self, ids, lengths):
        H, last = self.rnn(self.embedding(ids).transpose(0, 1))
        return self.output_layer(H[lengths - 1, torch.arange(len(lengths))]), last

    def zeroes_the_pad(self, ids, lengths):
        X = self.embedding(ids) * (ids != 1)[..., None]
        return self.output_layer(self.rnn(X.transpose(0, 1))[1][0])

    def by_the_index(self, ids, lengths):
        ends = (ids != 1).sum(1) - 1
        H, _ = self.rnn(self.embedding(ids).transpose(0, 1))
        return self.output_layer(H[ends, torch.arange(len(ids))])

    def the_class(vocab_size, num_classes, embed_size=100, num_hiddens=256):
        return nn.RNN

    right_batch_first = network(batch_first, batch_first=True)
    without_gradient = network(blind)
    logits_and_state = network(with_the_state)
    reads_a_zeroed_pad = network(zeroes_the_pad)
    ends_where_the_ones_begin = network(by_the_index)
    right_packed = network(packed)
    reads_the_first = network(first_state)
    takes_the_largest = network(largest)
    classes_by_texts = network(transposed)

    del batch_first, packed, first_state, largest, transposed, blind, with_the_state, zeroes_the_pad
    del by_the_index


@answers("por-que-no-aprende", "llega")
class _:
    def right_by_hand(X, W_xh, W_hh, w, reading):
        H, states = np.zeros(len(W_hh)), []
        X, W_xh, W_hh, w = (part.numpy().astype(float) for part in (X, W_xh, W_hh, w))
        for x in X:
            H = np.tanh(x @ W_xh + H @ W_hh)
            states.append(H)
        G, norms = np.zeros(len(w)), []
        for t in reversed(range(len(X))):
            if reading == "media":
                G = G + w / len(X)
            elif t == len(X) - 1:
                G = w
            A = G * (1 - states[t] ** 2)
            norms.append(np.linalg.norm(A @ W_xh.T))
            G = A @ W_hh.T
        return [norm / sum(norms) for norm in norms[::-1]]

    def backwards(X, W_xh, W_hh, w, reading):
        return arrives(X, W_xh, W_hh, w, reading)[::-1]

    def percentages(X, W_xh, W_hh, w, reading):
        return [100 * share for share in arrives(X, W_xh, W_hh, w, reading)]

    def shares_alike(X, W_xh, W_hh, w, reading):
        return [1 / len(X)] * len(X)

    def without_tanh(X, W_xh, W_hh, w, reading):
        G, norms = w, []
        for _ in X:
            norms.append((G @ W_xh.T).norm().item())
            G = G @ W_hh.T
        return [norm / sum(norms) for norm in norms[::-1]]

    def of_the_states(X, W_xh, W_hh, w, reading):
        return arrives(X @ W_xh, torch.eye(len(w)), W_hh, w, reading)


@answers("por-que-no-aprende", "corridas")
class _:
    def right_by_sets(texts, labels):
        good = {"genial", "preciosa", "divertida", "emocionante", "magnífica"}
        bad = {"aburrida", "pésima", "lenta", "ridícula", "fallida"}
        hits = []
        for shift in range(len(texts)):
            moved, count = labels[shift:] + labels[:shift], 0
            for text, label in zip(texts, moved):
                words = Counter(re.findall(r"\w+", text.lower()))
                score = sum(words[word] for word in good) - sum(words[word] for word in bad)
                count += (label == "buena") if score > 0 else (label == "mala") if score < 0 else 0
            hits.append(count)
        return hits

    def the_shift(texts, labels):
        return int(np.argmax(hits_by_shift(texts, labels)))

    def shares(texts, labels):
        return [hits / len(texts) for hits in hits_by_shift(texts, labels)]

    def sorted_by_hits(texts, labels):
        return sorted(hits_by_shift(texts, labels), reverse=True)

    def without_accents_in_the_text(texts, labels):
        return hits_by_shift([without_accents(text) for text in texts], labels)

    def errors(texts, labels):
        return [len(texts) - hits for hits in hits_by_shift(texts, labels)]


@answers("por-que-no-aprende", "males")
class _:
    def right_by_table(K, first, counted, train, valid, again, num_train, num_valid):
        def passes(hits, n):
            return (hits - 1 / K) * n > 1.96 * np.sqrt(n * (K - 1)) / K

        signs = {
            "eval": abs(valid - again) > 0,
            "pérdida": not math.log(K) - 0.3 <= first <= math.log(K) + 0.3,
            "lotes": not passes(counted, num_valid),
            "no aprende": not passes(train, num_train),
            "no le sirve": not passes(valid, num_valid),
            "nada": True,
        }
        return next(name for name, sign in signs.items() if sign)

    def the_last_that_holds(K, first, counted, train, valid, again, num_train, num_valid):
        if valid <= 1 / K + 1.96 * math.sqrt((K - 1) / K**2 / num_valid):
            return "no le sirve"
        return diagnose(K, first, counted, train, valid, again, num_train, num_valid)

    def always_healthy(*figures):
        return "nada"

    def never_healthy(*figures):
        said = diagnose(*figures)
        return "no le sirve" if said == "nada" else said

    def their_number(*figures):
        return ["eval", "pérdida", "lotes", "no aprende", "no le sirve", "nada"].index(diagnose(*figures))

    def all_in_a_list(*figures):
        return [diagnose(*figures)]

    def one_margin(K, first, counted, train, valid, again, num_train, num_valid):
        return diagnose(K, first, counted, train, valid, again, num_train, num_train)

    def without_the_root(K, first, counted, train, valid, again, num_train, num_valid):
        return diagnose(K, first, counted, train, valid, again, num_train**2, num_valid**2)

    def overfitting_by_the_gap(K, first, counted, train, valid, again, num_train, num_valid):
        said = diagnose(K, first, counted, train, valid, again, num_train, num_valid)
        return "no le sirve" if said == "nada" and train - valid > 0.2 else said


@answers("por-que-no-aprende", "detective")
class _:
    def right_in_numpy(ids, lengths, y, E, lr, num_steps):
        ids, lengths, y, E = (part.numpy() for part in (ids, lengths, y, E))
        counts = np.zeros((len(ids), len(E)))
        for row, (text, n) in enumerate(zip(ids, lengths)):
            for token in text[:n]:
                counts[row, token] += 1 / n
        losses, E = [], E.astype(float)
        for _ in range(num_steps):
            exps = np.exp(counts @ E)
            P = exps / exps.sum(1, keepdims=True)
            losses.append(-np.log(P[np.arange(len(y)), y]).mean())
            E = E - lr * counts.T @ (P - np.eye(E.shape[1])[y]) / len(y)
        return losses

    def never_moves(ids, lengths, y, E, lr, num_steps):
        return loss_curve(ids, lengths, y, E, lr, 1) * num_steps

    def one_step_late(ids, lengths, y, E, lr, num_steps):
        return loss_curve(ids, lengths, y, E, lr, num_steps + 1)[1:]

    def sums_the_batch(ids, lengths, y, E, lr, num_steps):
        return [len(y) * loss for loss in loss_curve(ids, lengths, y, E, lr, num_steps)]

    def only_the_last(ids, lengths, y, E, lr, num_steps):
        return loss_curve(ids, lengths, y, E, lr, num_steps)[-1]

    def running_minimum(ids, lengths, y, E, lr, num_steps):
        return np.minimum.accumulate(loss_curve(ids, lengths, y, E, lr, num_steps)).tolist()

    def climbs(ids, lengths, y, E, lr, num_steps):
        return loss_curve(ids, lengths, y, E, -lr, num_steps)


# --- La promesa ------------------------------------------------------------------------------------

EXERCISES = [(set_id, exercise) for set_id in set_ids() for exercise in load_set(set_id).exercises]


def states(judges, answer):
    """Si la respuesta acierta con los casos públicos y con los de cada semilla."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return [
            judge.verdict(run(answer, judge.cases, judge.exercise.forbids)).state == RIGHT
            for judge in judges
        ]


@pytest.mark.parametrize("set_id, exercise", EXERCISES, ids=lambda x: getattr(x, "id", x))
def test_check_and_every_seed_agree(set_id, exercise):
    seeds = SEEDS[:40] if (set_id, exercise.id) in SLOW else SEEDS
    ours = [Judge(exercise, exercise.draw(seed)) for seed in (PUBLIC_SEED, *seeds)]
    written = ANSWERS[set_id, exercise.id]
    if not exercise.parts:
        known = {mistake.sentence: mistake.answer for mistake in exercise.mistakes}
        known["right reference"] = exercise.reference
        written |= {name: as_a_student(exercise, answer) for name, answer in known.items()}
    for name, answer in written.items():
        passed = states(ours, answer)
        said = f"{name}: {passed[0]}, {sum(passed[1:])} de {len(seeds)}"
        assert set(passed) == {name.startswith("right")}, said


def test_each_set_meets_twenty_new_wrong_answers():
    for set_id in set_ids():
        written = [name for key, some in ANSWERS.items() if key[0] == set_id for name in some]
        assert sum(not name.startswith("right") for name in written) >= 20


# --- GRU ---

GRU = load_set("gru")
mix, read_states = (as_a_student(GRU.find(id)) for id in ("mezcla", "detective"))


@answers("gru", "paso_a_mano")
class _:
    right_rounded = (0, [-0.46, 0.71, -0.17, 11])
    right_exact = (1, np.array([np.tanh(1.5), -0.9 + 0.1 * np.tanh(1.5), -0.1 + 0.9 * np.tanh(1.5), 22]))
    without_tanh = (0, [-0.5, 0.7, -0.2, 11])
    one_step_short = (0, [-0.462, 0.708, -0.170, 10])
    another_variant = (1, [-0.462, 0.708, -0.170, 11])
    without_variant = [-0.462, 0.708, -0.170, 11]
    keeps_everything = (0, [-0.462, 1, -0.462, 11])


@answers("gru", "comillas")
class _:
    def right_without_reset(symbols):
        rows = {'"': (0, -9, 0), "¶": (0, -9, -8), "«": (0, -9, 8), "»": (0, -9, -8)}
        W_xh = np.array([rows.get(symbol, (0, 9, 0)) for symbol in symbols], dtype=float)
        return W_xh, np.array([[0, 0, -4.0]]), np.array([20.0, 0, 0]), np.zeros(1)

    def right_with_biases(symbols):
        rows = {'"': (20, -20, 0), "¶": (0, -20, -3), "«": (0, -20, 3), "»": (0, -20, -3)}
        W_xh = [rows.get(symbol, (0, 0, 0)) for symbol in symbols]
        return torch.tensor(W_xh).float(), torch.tensor([[0, 0, -3.0]]), torch.tensor([-10.0, 10, 0]), [0.0]

    def in_a_fixed_order(symbols):
        rows = sorted([(8, -8, 0), (-8, -8, -3), (-8, -8, 3), (-8, -8, -3), (0, 8, 0)])
        return torch.tensor(rows).float(), torch.tensor([[0, 0, -3.0]]), torch.zeros(3), torch.zeros(1)

    def straight_only(symbols):
        rows = {'"': (8, -8, 0), "¶": (-8, -8, -3)}
        W_xh = [rows.get(symbol, (0, 8, 0)) for symbol in symbols]
        return torch.tensor(W_xh).float(), torch.tensor([[0, 0, -3.0]]), torch.zeros(3), torch.zeros(1)

    def zeros(symbols):
        return torch.zeros(5, 3), torch.zeros(1, 3), torch.zeros(3), torch.zeros(1)

    def three_tensors(symbols):
        return torch.zeros(5, 3), torch.zeros(1, 3), torch.zeros(3)

    def a_name(symbols):
        return "GRU"


@answers("gru", "traduccion")
class _:
    def right_by_index(W_xh, W_hh, b_h):
        h = len(b_h) // 3
        order, signs = [*range(h, 2 * h), *range(h), *range(2 * h, 3 * h)], [1.0] * h + [-1.0] * h + [1.0] * h
        return tuple(part[..., order] * torch.tensor(signs) for part in (W_xh, W_hh, b_h))

    def nothing(W_xh, W_hh, b_h):
        return W_xh, W_hh, b_h

    def flips_everything(W_xh, W_hh, b_h):
        blocks = [part.chunk(3, -1) for part in (W_xh, W_hh, b_h)]
        return [-torch.cat([R, Z, N], -1) for Z, R, N in blocks]

    def only_the_matrices(W_xh, W_hh, b_h):
        def ours(part, sign):
            Z, R, N = part.chunk(3, -1)
            return torch.cat([R, sign * Z, N], -1)

        return [ours(W_xh, -1), ours(W_hh, -1), ours(b_h, 1)]


@answers("gru", "iguales")
class _:
    def right_by_formula(text, budget):
        n, sizes = len(set(text)), []
        for g in (1, 4, 3):
            b = g * (n + 2) + n
            sizes.append(int((-b + math.sqrt(b * b + 4 * g * (budget - n))) / (2 * g)))
        return np.array(sizes)

    def same_units(text, budget):
        n, h = len(set(text)), 1
        while (h + 1) * (n + h + 3) + (h + 1) * n + n <= budget:
            h += 1
        return [h] * 3

    def one_too_many(text, budget):
        n = len(set(text))
        sizes = []
        for g in (1, 4, 3):
            b = g * (n + 2) + n
            sizes.append(int((-b + math.sqrt(b * b + 4 * g * (budget - n))) / (2 * g)) + 1)
        return sizes

    def alphabet_of_33(text, budget):
        n, sizes = 33, []
        for g in (1, 4, 3):
            b = g * (n + 2) + n
            sizes.append(int((-b + math.sqrt(b * b + 4 * g * (budget - n))) / (2 * g)))
        return sizes


@answers("gru", "mezcla")
class _:
    def right_by_loops(p_net, p_counts, num_choose):
        def bits(k, net, counts):
            said = [k / 10 * a + (1 - k / 10) * b for a, b in zip(net, counts)]
            return sum(-math.log2(p) for p in said) / len(said)

        best = min(range(11), key=lambda k: bits(k, p_net[:num_choose], p_counts[:num_choose]))
        return best / 10, bits(best, p_net[num_choose:], p_counts[num_choose:])

    def right_from_the_counts(p_net, p_counts, num_choose):
        best = (math.inf, None)
        for weight in np.linspace(0, 1, 11):
            bits = -np.log(p_counts + weight * (p_net - p_counts)) / np.log(2)
            best = min(best, (bits[:num_choose].mean(), weight), key=lambda pair: pair[0])
            if best[1] == weight:
                measured = bits[num_choose:].mean()
        return best[1], measured

    def right_adding_steps(p_net, p_counts, num_choose):
        weight, bits, best = 0.0, [], 0
        for k in range(11):
            bits.append([-math.log2((1 - weight) * b + weight * a) for a, b in zip(p_net, p_counts)])
            best = k if sum(bits[k][:num_choose]) < sum(bits[best][:num_choose]) else best
            weight += 0.1
        return best / 10, np.mean(bits[best][num_choose:])

    def in_nats(p_net, p_counts, num_choose):
        weight, bits = mix(p_net, p_counts, num_choose)
        return weight, bits * math.log(2)

    def the_surest(p_net, p_counts, num_choose):
        weight, _ = mix(p_net, p_counts, num_choose)
        return weight, -np.log2(np.maximum(p_net, p_counts)[num_choose:]).mean()

    def always_half(p_net, p_counts, num_choose):
        return 0.5, -np.log2((p_net + p_counts)[num_choose:] / 2).mean()

    def total_bits(p_net, p_counts, num_choose):
        weight, bits = mix(p_net, p_counts, num_choose)
        return weight, bits * (len(p_net) - num_choose)


@answers("gru", "detective")
class _:
    def right_with_torch(X, H, W_gates, b_gates, W_n, b_n):
        X, H, W_gates, b_gates, W_n, b_n = map(torch.tensor, (X, H, W_gates, b_gates, W_n, b_n))
        states = []
        for x in X:
            R, Z = torch.sigmoid(torch.cat([x, H], 1) @ W_gates + b_gates).chunk(2, 1)
            N = torch.tanh(torch.cat([x, R * H], 1) @ W_n + b_n)
            H = N + Z * (H - N)
            states.append(H)
        return torch.stack(states).numpy()

    def new_state_times_z(X, H, W_gates, b_gates, W_n, b_n):
        return read_states(X, H, np.hstack([W_gates[:, : len(b_n)], -W_gates[:, len(b_n) :]]),
                           np.hstack([b_gates[: len(b_n)], -b_gates[len(b_n) :]]), W_n, b_n)

    def loses_the_state(X, H, W_gates, b_gates, W_n, b_n):
        return read_states(X, 0 * H, W_gates, b_gates, W_n, b_n)

    def only_the_last(X, H, W_gates, b_gates, W_n, b_n):
        return read_states(X, H, W_gates, b_gates, W_n, b_n)[-1]

    def without_biases(X, H, W_gates, b_gates, W_n, b_n):
        return read_states(X, H, W_gates, 0 * b_gates, W_n, 0 * b_n)
