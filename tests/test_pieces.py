"""Los trozos de palabra, contra el programa del artículo y una cuenta lenta."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coursekit.data import load_sample
from coursekit.errors import CourseError
from coursekit.text import join_pieces, learn_merges, spanish, split_word

words = st.text(st.characters(exclude_categories=["Cs"]))
few_letters = st.text("abñ_", max_size=7)
counts = st.dictionaries(few_letters, st.integers(1, 9), max_size=8)


def joined(text, a, b):
    """Un par unido en un texto cuyos trozos van entre caracteres nulos."""
    return re.sub(f"(?<=\0){re.escape(a)}\0{re.escape(b)}(?=\0)", lambda _: a + b, text)


def learn_slowly(counts, num_merges):
    """Vuelve a contar todo en cada unión."""
    texts = {word: "\0" + "\0".join([*word, "_"]) + "\0" for word in counts}
    merges = []
    while len(merges) < num_merges:
        pairs = Counter()
        for word, text in texts.items():
            pieces = text[1:-1].split("\0")
            for i in range(len(pieces) - 1):
                pairs[pieces[i], pieces[i + 1]] += counts[word]
        ranked = sorted(pairs, key=lambda pair: (-pairs[pair], pair))
        if not ranked or pairs[ranked[0]] < 2:
            break
        merges.append(ranked[0])
        texts = {word: joined(text, *ranked[0]) for word, text in texts.items()}
    return merges


def split_slowly(word, merges):
    """Las uniones, de la primera a la última; tras cada una que cambia algo, desde el principio."""
    text, before = "\0" + "\0".join([*word, "_"]) + "\0", None
    while text != before:
        before = text
        for pair in merges:
            if (text := joined(before, *pair)) != before:
                break
    return text[1:-1].split("\0")


@settings(deadline=None, max_examples=300)
@given(counts, st.integers(0, 12))
def test_merges_are_those_of_counting_again(counts, num_merges):
    merges = learn_merges(counts, num_merges)
    assert list(merges) == learn_slowly(counts, num_merges)
    assert list(merges.values()) == list(range(len(merges)))


def test_merges_of_the_article():
    """El ejemplo de Sennrich et al. (2016): low, lower, newest y widest."""
    counts = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
    assert list(learn_merges(counts, 5)) == [
        ("e", "s"), ("es", "t"), ("est", "_"), ("l", "o"), ("lo", "w"),
    ]  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(counts, few_letters)
def test_a_word_is_split_as_merging_in_turn(counts, word):
    merges = learn_merges(counts, 12)
    assert split_word(word, merges) == split_slowly(word, list(merges))


@settings(deadline=None, max_examples=300)
@given(counts, words | few_letters)
def test_the_pieces_of_any_word_give_the_word_back(counts, word):
    pieces = split_word(word, learn_merges(counts, 12))
    assert join_pieces(pieces) == word
    assert all(pieces) and pieces[-1].endswith("_")


def test_pieces_of_a_story():
    text = [token for token in spanish(load_sample("relato").text) if token.isalpha()]
    train, test = Counter(text[:-2000]), text[-2000:]
    merges = learn_merges(train, 300)
    assert len(merges) == 300
    known = {letter for word in train for letter in word} | {"_"} | {a + b for a, b in merges}
    lengths = []
    for num_merges in (0, 100, 300):
        first = dict(list(merges.items())[:num_merges])
        assert first == learn_merges(train, num_merges)
        pieces = [split_word(word, first) for word in test]
        assert [join_pieces(some) for some in pieces] == test
        assert {piece for some in pieces for piece in some} <= known
        lengths.append(sum(map(len, pieces)))
    assert lengths[0] == sum(len(word) + 1 for word in test)
    assert lengths[0] > 1.5 * lengths[1] and lengths[1] > 1.2 * lengths[2]


def test_it_does_not_depend_on_the_order_of_the_words():
    counts = Counter(spanish(load_sample("relato").text)[:3000])
    shuffled = dict(sorted(counts.items()))
    assert list(learn_merges(counts, 60)) == list(learn_merges(shuffled, 60))


@pytest.mark.parametrize(
    "counts, num_merges, said",
    [(["pan", "pan"], 3, "llegó list"), ({1: 2}, 3, "palabras con sus cuentas"), ({"pan": 2}, -1, "-1")],
)
def test_what_cannot_be_learnt_from(counts, num_merges, said):
    with pytest.raises(CourseError, match=said):
        learn_merges(counts, num_merges)
