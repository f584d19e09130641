"""Los nombres que se quitan, el control que los acompaña y de dónde sale cada novela."""

from collections import Counter

import numpy as np

from conftest import needs_real_data
from coursekit.data import Corpus
from coursekit.experiments.authors import (
    NOVELS,
    NUM_WORDS,
    as_frequent,
    novels,
    pieces,
    proper_names,
    read_novel,
)
from coursekit.experiments.counting import majority


def test_a_name_is_capital_inside_a_sentence_and_seldom_small():
    line = ["Ayer", "vino", "Rosa", ".", "Rosa", "trajo", "una", "rosa", ".", "El", "mar", "de", "Rosa"]
    assert proper_names([line]) == {"rosa"}  # dos veces con mayúscula dentro; una sin ella
    assert proper_names([["Vino", "El", "mar"], ["el", "sol", "el"]]) == set()  # más veces sin ella
    assert proper_names([["Pedro", "vino", "—", "Pedro", "dijo"]]) == set()  # solo donde no dice nada


def test_the_control_is_as_frequent_as_the_names_and_none_of_them():
    rng = np.random.default_rng(0)
    words = rng.permutation(["ana"] * 5 + ["luis"] * 2 + ["mar"] * 5 + ["sol"] * 2 + ["pan"] * 9 + ["voz"])
    words = words.tolist()
    assert as_frequent(words, {"ana", "luis", "otro"}, rng) == {"mar", "sol"}


def test_three_views_share_the_window_and_only_lose_words():
    rng = np.random.default_rng(0)
    lines = ["vino Ana con " + " ".join(rng.choice(["mar", "sol", "pan"], 7)) for _ in range(1500)]
    novel = read_novel("nadie", "ninguna", lines, 0)
    whole = novel.views["todo"]
    assert {len(view) for view in novel.views.values()} == {NUM_WORDS}
    assert Counter(novel.views["sin nombres"])[""] == whole.count("ana")
    assert all(a == b or a == "" for view in novel.views.values() for a, b in zip(view, whole))
    only, without = novel.views["solo nombres"], novel.views["sin nombres"]
    assert all(bool(a) != bool(b) for a, b in zip(only, without))
    texts = pieces(without)
    assert len(texts) == 12 and " ".join(texts).split() == [word for word in without if word]


@needs_real_data
def test_every_novel_is_where_the_table_says():
    assert len(NOVELS) == 15 and all(len(titles) == 3 for titles in NOVELS.values())
    spans = sorted(place for titles in NOVELS.values() for place in titles.values())
    assert all(first + length <= after for (first, length), (after, _) in zip(spans, spans[1:]))
    found = {novel.title: set(novel.views["todo"]) for novel in novels()}
    heroes = {"La Regenta": "vetusta", "Niebla": "augusto", "Sotileza": "muergo", "Marianela": "nela",
              "Los pazos de Ulloa": "julián", "La madre naturaleza": "perucho", "Sab": "sab"}  # fmt: skip
    assert all(hero in found[title] for title, hero in heroes.items())


def test_the_majority_answers_the_same_to_everything():
    train, asked = (Corpus("p", "P", texts, True, "", labels) for texts, labels in (
        (["a", "b", "c"], ["x", "y", "y"]), (["a", "z"], ["x", "y"])))  # fmt: skip
    ((_, on_valid, on_test, _),) = majority(train, asked, asked)
    np.testing.assert_allclose(np.exp(on_valid), [[1 / 3, 2 / 3]] * 2)
    np.testing.assert_array_equal(on_valid, on_test)
