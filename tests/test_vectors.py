"""Ficheros de vectores: ida y vuelta, con gensim a ambos lados, y ficheros equivocados."""

import gzip
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from conftest import needs_real_data
from coursekit.embeddings import keyed_vectors, load_vectors, save_vectors
from coursekit.errors import CourseError
from coursekit.text import Vocab
from regression import regression

pytestmark = pytest.mark.filterwarnings("error")
both = pytest.mark.parametrize("binary", [False, True], ids=["texto", "binario"])

WORDS = ["corazón", "año", "3.14", "niño\u00a0", "</s>", "日本"]
VECTORS = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
VECTORS[0, :3] = [0, 1e-38, -3e38]
VECTORS[1] = np.frombuffer(b"a 1.\n 2. 0.5 \n 7 8 9", "<f4")  # bytes que parecen texto

names = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=6)
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
tables = st.tuples(st.lists(names, min_size=1, max_size=5, unique=True), st.integers(1, 4)).flatmap(
    lambda t: st.tuples(st.just(t[0]), arrays(np.float32, (len(t[0]), t[1]), elements=numbers))
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vectores"


@both
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_round_trip_is_exact(tmp_path, binary, suffix):
    path = str(tmp_path / f"vectores{suffix}")
    save_vectors(path, VECTORS, Vocab(WORDS), binary)
    vocab, vectors = load_vectors(path, binary)
    assert vocab.get_itos() == WORDS
    assert vectors.dtype == np.float32 and (vectors == VECTORS).all()
    assert Path(path).read_bytes().startswith(b"\x1f\x8b") == (suffix == ".gz")


@settings(deadline=None, max_examples=60)
@given(tables, st.booleans())
def test_any_table_comes_back_and_never_as_the_other_format(tmp_path_factory, table, binary):
    words, expected = table
    path = tmp_path_factory.mktemp("tabla") / "v"
    save_vectors(path, expected, Vocab(words), binary)
    vocab, vectors = load_vectors(path, binary)
    assert vocab.get_itos() == words and (vectors == expected).all()
    with pytest.raises(CourseError):
        load_vectors(path, not binary)


@both
def test_gensim_reads_ours(path, binary):
    save_vectors(path, VECTORS, Vocab(WORDS), binary)
    peer = KeyedVectors.load_word2vec_format(str(path), binary=binary)
    assert peer.index_to_key == WORDS and (peer.vectors == VECTORS).all()


@both
def test_we_read_gensims(path, binary):
    keyed_vectors(VECTORS, Vocab(WORDS)).save_word2vec_format(str(path), binary=binary)
    vocab, vectors = load_vectors(path, binary)
    assert vocab.get_itos() == WORDS and (vectors == VECTORS).all()


def test_keyed_vectors_are_gensims():
    keyed = keyed_vectors(VECTORS.astype(float), Vocab(WORDS))
    assert isinstance(keyed, KeyedVectors) and keyed.index_to_key == WORDS
    assert (keyed["corazón"] == VECTORS[0]).all()


def test_without_gensim_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(CourseError, match="pip install gensim"):
        keyed_vectors(VECTORS, Vocab(WORDS))


def test_glove_files_have_no_header_and_words_with_spaces(path):
    path.write_text("de 0.1 0.2\n. . 1e-3 -2\n", "utf-8")
    vocab, vectors = load_vectors(path)
    assert vocab.get_itos() == ["de", ". ."]
    path.write_text("2 2\nde 0.1 0.2\n1605 1e-3 -2\n", "utf-8-sig")  # con marca de orden
    assert load_vectors(path)[0].get_itos() == ["de", "1605"]
    path.write_text("de 0.1 0.2\n. . 1e-3 -2\n", "utf-8")
    vocab, vectors = load_vectors(path)
    np.testing.assert_allclose(vectors, [[0.1, 0.2], [0.001, -2]], rtol=1e-6)


@needs_real_data
def test_real_glove():
    path = Path(os.environ["COURSEKIT_DATA"]) / "glove/glove.6B.100d.top2604.txt.gz"
    vocab, vectors = load_vectors(path)
    first = gzip.decompress(path.read_bytes()).decode().split("\n")[0].split()
    assert vectors.shape == (2604, 100) and vocab.lookup_token(0) == first[0] == "the"
    np.testing.assert_allclose(vectors[0], [float(x) for x in first[1:]], rtol=1e-6)


@both
def test_the_other_format_is_one_spanish_sentence(path, binary):
    """El defecto de la fuente: un texto leído como binario daba palabras y números falsos."""
    save_vectors(path, VECTORS, Vocab(WORDS), binary)
    with pytest.raises(CourseError, match=f"binary={binary}") as caught:
        load_vectors(path, not binary)
    assert "\n" not in str(caught.value)
    if not binary:
        path.write_bytes(path.read_bytes().partition(b"\n")[2])  # como los de GloVe
        with pytest.raises(CourseError, match="binary=False"):
            load_vectors(path, binary=True)
        path.write_bytes(b"6 5\n" + path.read_bytes().replace(b" ", b"\t"))
        with pytest.raises(CourseError, match="binary=False"):
            load_vectors(path, binary=True)


@both
def test_cut_or_longer_files_are_errors(path, binary):
    save_vectors(path, VECTORS, Vocab(WORDS), binary)
    whole = path.read_bytes()
    for damaged in (whole[:-30], whole[: len(whole) // 2], whole + whole[4:], whole[:4], b""):
        path.write_bytes(damaged)
        with pytest.raises(CourseError):
            load_vectors(path, binary)
    path.write_bytes(gzip.compress(whole)[:-30])
    with pytest.raises(CourseError, match="No se puede leer"):
        load_vectors(path, binary)


def test_bad_input_is_explained(path):
    with pytest.raises(CourseError, match="No se puede leer"):
        load_vectors(path)
    with pytest.raises(CourseError, match=r"\(6, dim\).*\(5, 5\)"):
        save_vectors(path, VECTORS[:5], Vocab(WORDS))
    with pytest.raises(CourseError, match="'buenos días'"):
        save_vectors(path, VECTORS[:1], Vocab(["buenos días"]))
    path.write_bytes(b"99999999999 300\nsol \x00\x01")
    with pytest.raises(CourseError, match="no contiene 99999999999"):
        load_vectors(path, binary=True)
    path.write_text("1 2\nsol nan 1\n")
    with pytest.raises(CourseError, match="finitos"):
        load_vectors(path)
    path.write_text("uno 1\ndos 3 4\n")  # la primera línea, cortada
    with pytest.raises(CourseError, match="vector 2 .* 1 números"):
        load_vectors(path)
    path.write_text("1 999999999999\nsol 1\n")
    with pytest.raises(CourseError, match="vector 1 .* 999999999999 números"):
        load_vectors(path)
    whole = gzip.compress(b"1 1\nsol 1\n")
    path.write_bytes(whole[:12] + b"\xff\xff" + whole[14:])
    with pytest.raises(CourseError, match="No se puede leer"):
        load_vectors(path)
    path.write_text("2 1\nsol 1\nsol 2\n")
    with pytest.raises(CourseError, match="sol"):
        load_vectors(path)


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


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
    vectors, vocab = VECTORS[:4], Vocab(["el", "sistema", "solar", "gira"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectores"
        for binary in (True, False):
            save_vectors(path, vectors, vocab, binary=binary)
            with pytest.raises(CourseError):
                load(path, binary=not binary)
        path.write_text("el sol sale hoy\nla luna no sale\n", "utf-8")
        with pytest.raises(CourseError):
            load(path, binary=False)
