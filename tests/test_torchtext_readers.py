"""IMDB, AG_NEWS, Vectors y GloVe, contra lo que respondió el torchtext verdadero."""

import csv
import gzip
import hashlib
import inspect
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import needs_real_data
from coursekit import data
from coursekit.data import readers, registry
from coursekit.data.parts import DownloadError
from coursekit.errors import CourseError
from coursekit.text import GloVe, Vectors, datasets
from golden.torchtext_readers import (
    AG_NEWS,
    GOLDEN,
    VECTORS,
    imdb_archive,
    imdb_reviews,
    vectors_case,
    write_vectors,
)

RECORDED = json.loads(GOLDEN.read_text("utf-8"))


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Carpeta de datos y caché vacías, y una red que no responde."""

    def no_network(*_):
        raise DownloadError("no se pudo descargar (example.org no responde)", "revisa tu conexión")

    folder, cache = tmp_path / "carpeta", tmp_path / "caché"
    for root in (folder, cache):
        (root / "glove").mkdir(parents=True)
        (root / "imdb").mkdir()
        (root / "ag_news").mkdir()
    monkeypatch.setenv("COURSEKIT_DATA", str(folder))
    monkeypatch.setattr(registry, "cache_folder", lambda: cache)
    monkeypatch.setattr(registry, "download", no_network)
    monkeypatch.chdir(tmp_path)
    return folder, cache


def expect(monkeypatch, name, text):
    """Cambia la huella de un conjunto por la de un texto que se da."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    entry = replace(data.DATASETS[name], sha256=digest, hash_of_file=False)
    monkeypatch.setitem(data.DATASETS, name, entry)


# --- IMDB y AG_NEWS ---------------------------------------------------------------------------


def test_golden_comes_from_the_real_torchtext():
    assert RECORDED["versions"]["torchtext"].startswith("0.18.0")


def imdb_table(split):
    """La misma colección en nuestra tabla, ordenada por número."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["label", "rating", "id", "text"])
    for label in ("neg", "pos"):
        writer.writerows([label, 5, *review] for review in sorted(imdb_reviews(split, label)))
    return table.getvalue().encode()


@pytest.mark.parametrize("form", ["table", "table.gz", "archive"])
def test_imdb_as_recorded_from_torchtext(places, monkeypatch, form):
    """La tabla del curso y el archivo de los autores dan el mismo texto, y es el de torchtext."""
    folder, _ = places
    for split in ("train", "test"):
        expected = [(["", "neg", "pos"][n], text) for n, text in RECORDED[f"imdb_{split}"]]
        expect(monkeypatch, f"imdb_{split}", "\n".join(map("\t".join, expected)))
        if form == "table":
            (folder / f"imdb/{split}.csv").write_bytes(imdb_table(split))
        elif form == "table.gz":
            (folder / f"imdb/{split}.csv.gz").write_bytes(gzip.compress(imdb_table(split)))
        else:
            (folder / "imdb/aclImdb_v1.tar.gz").write_bytes(imdb_archive())
    for split, pairs in zip(("train", "test"), datasets.IMDB(root="nada")):
        assert [list(pair) for pair in pairs] == RECORDED[f"imdb_{split}"]
    assert datasets.IMDB(split="test") == datasets.IMDB(split=("test",))[0]


def test_unlabelled_reviews_are_in_numerical_order():
    expected = "\n".join(text for _, text in sorted(imdb_reviews("train", "unsup")))
    assert readers.imdb_unsup(gzip.decompress(imdb_archive())) == expected
    assert readers.imdb_unsup(expected.encode() + b"\n") == expected


def test_ag_news_as_recorded_from_torchtext(places, monkeypatch):
    folder, _ = places
    classes = ["", "mundo", "deportes", "economia", "ciencia"]
    for split in ("train", "test"):
        recorded = RECORDED[f"ag_news_{split}"]
        text = "\n".join(f"{classes[number]}\t{text}" for number, text in recorded)
        expect(monkeypatch, f"ag_news_{split}", text)
        (folder / f"ag_news/{split}.csv").write_text(AG_NEWS, "utf-8")
    train, test = datasets.AG_NEWS()
    assert [list(pair) for pair in train] == RECORDED["ag_news_train"]
    assert [list(pair) for pair in test] == RECORDED["ag_news_test"]


@pytest.mark.parametrize("dataset, numbers", [("IMDB", {1, 2}), ("AG_NEWS", {1, 2, 3, 4})])
def test_samples_stand_in_with_the_same_labels(places, capsys, dataset, numbers):
    train, test = getattr(datasets, dataset)()
    assert capsys.readouterr().out.count("de muestra» en lugar de") == 2
    assert {label for label, _ in train} == {label for label, _ in test} == numbers
    assert not {text for _, text in train} & {text for _, text in test}


@pytest.mark.parametrize("split", ["valid", ("train", "valid"), "trai"])
def test_unknown_split(places, split):
    with pytest.raises(CourseError, match="split es 'train', 'test' o las dos") as failure:
        datasets.AG_NEWS(split=split)
    assert isinstance(failure.value, TypeError)  # el de torchtext


@needs_real_data
def test_real_sets_have_the_shape_that_torchtext_documents():
    train, test = datasets.IMDB()
    assert len(train) == len(test) == 25_000
    for pairs in (train, test):
        assert [label for label, _ in pairs] == [1] * 12_500 + [2] * 12_500
    # Primera y última reseña del archivo de los autores.
    assert train[0][1].startswith("I rented I AM CURIOUS-YELLOW from my video store")
    assert train[12_500][1].startswith("Zentropa has much in common with The Third Man")
    assert train[-1][1].startswith("The story centers around Barry McKenzie")
    news = datasets.AG_NEWS(split="test")
    assert len(news) == 7_600 and news[0][0] == 3
    assert news[0][1].startswith("Fears for T N pension after talks Unions representing")


# --- Vectors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name, max_vectors, expected", RECORDED["vectors"])
def test_vectors_as_recorded_from_torchtext(tmp_path, name, max_vectors, expected):
    write_vectors(tmp_path)
    answer = vectors_case(Vectors, tmp_path, name, max_vectors)
    if name == "words.txt":  # torchtext deja pasar el ValueError de float
        assert (expected, answer) == ("ValueError", "RuntimeError")
    else:
        assert answer == expected


def test_unknown_words_as_recorded_from_torchtext(tmp_path):
    write_vectors(tmp_path)
    vectors = Vectors(str(tmp_path / "plain.txt"), unk_init=lambda vector: vector.fill_(0.5))
    assert vectors["zzz"].tolist() == RECORDED["custom"]
    assert vectors["the"].tolist() == [4, 5, 6]


@pytest.mark.parametrize("cache", [None, "otra"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_vectors_are_looked_up_in_the_cache(tmp_path, monkeypatch, cache, suffix):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / (cache or ".vector_cache")
    folder.mkdir()
    raw = VECTORS["plain.txt"].encode()
    (folder / f"plain.txt{suffix}").write_bytes(gzip.compress(raw) if suffix else raw)
    vectors = Vectors(f"plain.txt{suffix}", cache=cache)
    assert vectors.itos == ["the", "the", "\xa0", "Ñandú"]
    assert vectors.vectors.dtype is torch.float32


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_", "."), text)
    return buffer.getvalue()


def test_vectors_are_downloaded_once(places, monkeypatch):
    """La url puede dar el fichero o un zip que lo trae."""
    asked = []

    def download(urls, path, check):
        asked.append((urls, path.name))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zipped(plain_txt=VECTORS["plain.txt"], other_txt="x"))
        check(path)

    monkeypatch.setattr(registry, "download", download)
    for _ in range(2):
        vectors = Vectors("plain.txt", url="https://example.org/a/vectors.zip?x=1")
        assert vectors.itos == ["the", "the", "\xa0", "Ñandú"]
    assert asked == [(["https://example.org/a/vectors.zip?x=1"], "vectors.zip")]


@pytest.mark.parametrize(
    "raw, problem",
    [
        (VECTORS["uneven.txt"].encode(), "da 2 números a la palabra 'sun' y 3 a las anteriores"),
        (VECTORS["words.txt"].encode(), "'sea' no va seguida de números"),
        (b"", "no tiene ningún vector"),
        (b"2 50\n", "no tiene ningún vector"),
        (gzip.compress(b"sea 1 2 3\n" * 99)[:-9], "está dañado"),
        (zipped(otro_txt="sea 1 2 3\n"), "no trae bad.gz"),
    ],
    ids=["desigual", "palabras", "vacío", "solo cabecera", "cortado", "otro archivo"],
)
def test_bad_vector_files_are_one_spanish_sentence(tmp_path, raw, problem):
    path = tmp_path / "bad.gz"
    path.write_bytes(raw if raw.startswith((b"\x1f\x8b", b"PK")) else gzip.compress(raw))
    with pytest.raises(CourseError, match=problem) as failure:
        Vectors(str(path))
    assert isinstance(failure.value, RuntimeError) and str(path) in str(failure.value)
    assert failure.value.__cause__ is None


def test_missing_vectors(places):
    with pytest.raises(CourseError, match="No hay vectores en .vector_cache/nada.txt"):
        Vectors("nada.txt")
    with pytest.raises(CourseError, match="no responde.* o deja una copia en .vector_cache"):
        Vectors("nada.txt", url="https://example.org/nada.txt")


def test_no_words_to_look_up(tmp_path):
    write_vectors(tmp_path)
    with pytest.raises(CourseError, match="La lista de palabras está vacía"):
        Vectors(str(tmp_path / "plain.txt")).get_vecs_by_tokens([])


# --- GloVe ------------------------------------------------------------------------------------

ROWS = "the " + "0.5 " * 49 + "1\nof " + "0.25 " * 49 + "2\n"


@pytest.mark.parametrize("form", ["text", "gz", "zip"])
@pytest.mark.parametrize("where", ["folder", "cache", "given"])
def test_glove_is_found(places, capsys, tmp_path, where, form):
    folder, cache = places
    root = {"folder": folder / "glove", "cache": cache / "glove", "given": tmp_path}[where]
    name, raw = {
        "text": ("glove.6B.50d.txt", ROWS.encode()),
        "gz": ("glove.6B.50d.txt.gz", gzip.compress(ROWS.encode())),
        "zip": ("glove.6B.zip", zipped(**{"glove_6B_50d_txt": ROWS, "glove_6B_100d_txt": "x"})),
    }[form]
    (root / name).write_bytes(raw)
    vectors = GloVe("6B", dim="50", **({"cache": tmp_path} if where == "given" else {}))
    assert (vectors.itos, vectors.dim, vectors["of"][-1].item()) == (["the", "of"], 50, 2)
    place = {"folder": "carpeta COURSEKIT_DATA", "cache": "caché", "given": str(tmp_path)}[where]
    line = capsys.readouterr().out
    assert place in line and "solo" not in line and line.count("\n") == 1


def test_shortened_glove_stands_in_and_says_so(places, monkeypatch, capsys):
    folder, _ = places
    expect(monkeypatch, "glove_50d", ROWS.rstrip("\n"))
    short = folder / data.DATASETS["glove_50d"].path
    short.write_text(ROWS, "utf-8")
    assert len(GloVe("6B", 50)) == 2
    line = capsys.readouterr().out
    assert "2 palabras de glove.6B.50d" in line and "solo las más frecuentes" in line
    assert len(GloVe("6B", 50, max_vectors=1)) == 1
    (folder / "glove/glove.6B.50d.txt").write_text(ROWS + ROWS.replace("the", "sea"), "utf-8")
    assert "sea" in GloVe("6B", 50)  # si está el completo, gana
    short.write_text("otra cosa", "utf-8")
    (folder / "glove/glove.6B.50d.txt").unlink()
    with pytest.raises(CourseError, match="no contiene el texto que usa el curso"):
        GloVe("6B", 50)


@pytest.mark.parametrize(
    "arguments, archive",
    [
        (("6B", 50), "glove.6B.zip"),
        ((), "glove.840B.300d.zip"),
        (("twitter.27B", 25), "glove.twitter.27B.zip"),
    ],
)
def test_glove_is_downloaded_and_checked(places, monkeypatch, arguments, archive):
    _, cache = places
    asked = []

    def download(urls, path, check):
        asked.extend(urls)
        assert path == cache / "glove" / archive
        path.write_bytes(b"otro fichero")
        check(path)

    monkeypatch.setattr(registry, "download", download)
    with pytest.raises(CourseError, match="no es el que publicaron sus autores"):
        GloVe(*arguments)
    assert asked == [f"https://nlp.stanford.edu/data/{archive}"]


def test_glove_without_network(places):
    with pytest.raises(CourseError, match="glove.6B.zip no está en este equipo .*no responde"):
        GloVe("6B", 300)


@pytest.mark.parametrize("arguments", [("6B", 70), ("7B", 50), ("42B", 50)])
def test_unknown_glove_lists_the_known_ones(arguments):
    with pytest.raises(CourseError, match=r"'6B', con dim en \(50, 100, 200, 300\); '42B'"):
        GloVe(*arguments)


@needs_real_data
def test_real_shortened_glove(monkeypatch):
    """Verdad independiente: NumPy lee la tabla, y los vecinos son los que han de ser."""
    path = data.fetch("glove_50d")
    vectors = GloVe("6B", 50)
    rows = [line.split(" ") for line in gzip.open(path, "rt", encoding="utf-8")]
    assert vectors.itos == [row[0] for row in rows] and len(vectors) == 10_362
    expected = np.array([row[1:] for row in rows]).astype(np.float64)
    np.testing.assert_array_equal(vectors.vectors.numpy(), expected.astype(np.float32))
    king, man, woman = vectors.get_vecs_by_tokens(["King", "man", "woman"], lower_case_backup=True)
    scores = torch.cosine_similarity(vectors.vectors, (king - man + woman)[None])
    assert [vectors.itos[i] for i in scores.topk(2).indices] == ["king", "queen"]


# --- La forma de torchtext --------------------------------------------------------------------


def test_signatures_are_those_of_torchtext():
    def names(function):
        return [name for name in inspect.signature(function).parameters]

    def default(function, name):
        return inspect.signature(function).parameters[name].default

    assert names(Vectors) == ["name", "cache", "url", "unk_init", "max_vectors"]
    assert names(GloVe)[:2] == ["name", "dim"]
    assert (default(GloVe, "name"), default(GloVe, "dim")) == ("840B", 300)
    for reader in (datasets.IMDB, datasets.AG_NEWS):
        assert names(reader) == ["root", "split"]
        assert default(reader, "split") == ("train", "test")
        assert default(reader, "root") == ".data"


def test_importing_is_light():
    code = "import sys, coursekit.text.datasets; print([m for m in sys.modules if m in %r])"
    heavy = ("torch", "numpy", "pooch", "requests")
    done = subprocess.run(
        [sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
