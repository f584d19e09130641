"""El registro, los lectores, la descarga contra un servidor de verdad y las muestras."""

import csv
import ctypes
import gzip
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import needs_real_data
from coursekit import data
from coursekit.data import elman, readers, registry
from coursekit.errors import CourseError
from coursekit.text import build_vocab_from_iterator, letters
from regression import regression

ROOT = Path(__file__).parents[1]
REAL_DATA = os.environ.get("COURSEKIT_DATA")

HEADER = "The Project Gutenberg eBook of a book\r\nwith no restrictions, thank you\r\n\r\n"
START = "*** START OF THE PROJECT GUTENBERG EBOOK LIBRITO ***\r\n"
BODY = "Título del librito\r\n\r\n\r\nUna frase que\r\nsigue aquí.\r\n  \r\nOtra, con ñ.\r\n"
END = "*** END OF THE PROJECT GUTENBERG EBOOK LIBRITO ***\r\n"
LICENCE = "Section 1. You may make a backup, thank you.\r\n"
BOOK = (HEADER + START + BODY + END + LICENCE).encode("utf-8-sig")
CUT = BOOK[:BOOK.index(b"sigue")]
BOOK_TEXT = "Título del librito\nUna frase que sigue aquí.\nOtra, con ñ."


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Carpeta de datos y caché vacías, propias de la prueba."""
    folder, cache = tmp_path / "carpeta", tmp_path / "caché"
    folder.mkdir()
    monkeypatch.setenv("COURSEKIT_DATA", str(folder))
    monkeypatch.setattr(registry, "cache_folder", lambda: cache)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder, cache


@pytest.fixture
def register(monkeypatch, places):
    """Apunta en el registro un librito con las direcciones que se le den."""

    def add(*urls, **changes):
        dataset = data.Dataset(
            name="librito",
            title="Un librito",
            path="libros/librito.txt",
            urls=urls,
            sha256=hashlib.sha256(BOOK_TEXT.encode()).hexdigest(),
            size=len(BOOK),
            licence="dominio público",
            citation="Nadie (2024).",
            source="https://example.org/libros",
            reader=readers.gutenberg,
            sample="relato",
        )
        monkeypatch.setitem(data.DATASETS, "librito", replace(dataset, **changes))

    return add


@pytest.fixture
def server():
    """Servidor HTTP local que entrega bien, entrega mal o no entrega; anota lo que le piden."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def send(self, body, length=None, status=200):
            self.send_response(status)
            self.send_header("Content-Length", str(length or len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def do_GET(self):
            requests.append(self.path)
            if self.path.startswith("/truncated") or requests == ["/flaky"]:
                self.send(CUT, length=len(BOOK))
            elif self.path.startswith("/chunked"):
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"64\r\n" + BOOK[:100] + b"\r\n")
                self.close_connection = True
            elif self.path.startswith("/wrong"):
                self.send(BOOK.replace(b"frase", b"grase"))
            elif self.path.startswith("/short"):
                self.send(CUT)
            elif self.path.startswith("/html"):
                self.send(b"<html>Sign in</html>")
            elif self.path.startswith("/revised"):
                revised = BOOK.replace(b"thank you", b"thanks a lot").replace(b"\r\n", b"\n")
                self.send(revised.removeprefix(b"\xef\xbb\xbf"))
            elif self.path.startswith("/404"):
                self.send(b"not found", status=404)
            elif self.path.startswith("/503"):
                self.send(b"come back later", status=503)
            elif self.path.startswith("/drop"):
                self.close_connection = True
            elif self.path.startswith("/stall"):
                stop.wait(20)
            else:
                self.send(BOOK)

    stop = threading.Event()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    httpd.url = f"http://127.0.0.1:{httpd.server_port}"
    httpd.requests = requests
    yield httpd
    stop.set()
    httpd.shutdown()
    httpd.server_close()


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def one_line(capsys):
    """La única línea que se imprimió."""
    printed = capsys.readouterr().out
    assert printed.endswith("\n") and printed.count("\n") == 1
    return printed


# --- Lectores ---------------------------------------------------------------------------------


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", ["\r\n", "\n"])
@pytest.mark.parametrize("article", ["THE", "THIS"])
@pytest.mark.parametrize("spacing", ["*** {} OF", "***{} OF"])
def test_gutenberg_variants_give_the_same_text(bom, newline, article, spacing):
    text = HEADER + START + BODY + END + LICENCE
    for word in ("START", "END"):
        text = text.replace(f"*** {word} OF THE", spacing.format(word) + f" {article}")
    raw = bom + text.replace("\r\n", newline).encode()
    assert readers.gutenberg(raw) == BOOK_TEXT


def test_gutenberg_credits_inside_the_markers_are_cut():
    """Las ediciones anteriores a 2020 llevaban créditos y cierre en inglés por dentro."""
    credit = "\r\n\r\nProduced by a volunteer. Text\r\nfile corrections by Nobody.\r\n\r\n"
    closing = "\r\n\r\nEnd of Project Gutenberg's Librito, by Nadie\r\n\r\n"
    raw = (HEADER + START + credit + BODY + closing + END + LICENCE).encode()
    assert readers.gutenberg(raw) == BOOK_TEXT


words = st.text("aábcdeéñ ¿?«»-", min_size=1).filter(str.strip)


@settings(max_examples=60)
@given(
    st.lists(st.lists(words, min_size=1, max_size=4), min_size=1, max_size=6),
    st.text("abck:. \n", max_size=80),
    st.text("abck:. \n", max_size=80),
    st.integers(2, 5),
)
def test_gutenberg_markers_may_stand_anywhere(book, header, licence, blank_lines):
    """Cada párrafo se recupera entero, sin nada de la cabecera ni de la licencia."""
    body = ("\n" * blank_lines).join("\n".join(lines) for lines in book)
    raw = f"{header}\n{START}{body}\n{END}{licence}".encode()
    expected = [" ".join(" ".join(lines).split()) for lines in book]
    assert readers.gutenberg(raw).split("\n") == expected


@pytest.mark.parametrize("missing", [START, END])
def test_gutenberg_without_a_marker_is_an_error(missing):
    with pytest.raises(CourseError, match="marcas START y END"):
        readers.gutenberg(BOOK.decode().replace(missing, "").encode())


def test_gutenberg_end_marker_counts_only_after_the_start():
    before = "*** END OF THE PROJECT GUTENBERG EBOOK OTRO ***\r\n"
    assert readers.gutenberg((before + START + BODY + END).encode()) == BOOK_TEXT


def test_lines_reader_drops_bom_and_carriage_returns():
    assert readers.lines(b"\xef\xbb\xbfhola\r\nadi\xc3\xb3s\r\n") == "hola\nadiós"


def test_reader_rejects_bytes_that_are_not_utf8():
    with pytest.raises(CourseError, match="no es texto UTF-8 .*byte 1"):
        readers.lines("añ".encode("utf-8")[:2] + b"\xff")


def table(*rows):
    return "".join(f"{row}\n" for row in rows).encode()


def test_class_readers_put_the_label_before_each_text():
    news = table('"3","Un título","Con ""comillas"", y comas "', '"1","Otro",""')
    assert readers.ag_news(news) == 'economia\tUn título Con "comillas", y comas \nmundo\tOtro '
    header = "label,concept,text"
    arguments = table(header, "4,congreso,un congreso chico", '1,"a, b",ser justos')
    expected = "instituciones\tun congreso chico\nvalores\tser justos"
    assert readers.constitucion(arguments) == expected
    labels, documents = readers.split_labels("pos\tcon\ttabulador\nneg\t")
    assert (labels, documents) == (["pos", "neg"], ["con\ttabulador", ""])


# --- Dónde se busca ---------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [False, True])
def test_folder_copy_is_used_first(places, register, server, capsys, compressed):
    folder, cache = places
    register(f"{server.url}/good")
    for root in (folder, cache):
        (root / "libros").mkdir(parents=True)
    if compressed:
        (folder / "libros/librito.txt.gz").write_bytes(gzip.compress(BOOK))
    else:
        (folder / "libros/librito.txt").write_bytes(BOOK)
    (cache / "libros/librito.txt").write_bytes(b"otra cosa")
    corpus = data.load("librito")
    assert "carpeta COURSEKIT_DATA" in one_line(capsys)
    assert (corpus.text, corpus.is_sample, corpus.citation) == (BOOK_TEXT, False, "Nadie (2024).")
    assert corpus.documents == BOOK_TEXT.split("\n")
    assert data.verify("librito").parent == folder / "libros"
    assert server.requests == []


def test_cached_copy_is_used_before_the_network(places, register, server, capsys):
    _, cache = places
    register(f"{server.url}/good")
    assert data.fetch("librito").read_bytes() == BOOK
    assert data.fetch("librito") == cache / "libros/librito.txt"
    capsys.readouterr()
    assert data.load("librito").text == BOOK_TEXT
    assert "caché" in one_line(capsys)
    assert server.requests == ["/good"]
    assert registry.where("librito") == registry.CACHE


def test_without_the_variable_the_cache_is_used(places, register, server, monkeypatch):
    folder, _ = places
    register(f"{server.url}/good")
    (folder / "libros").mkdir()
    (folder / "libros/librito.txt").write_bytes(b"otra cosa")
    monkeypatch.chdir(folder)  # una variable vacía no es la carpeta en la que se trabaja
    monkeypatch.setenv("COURSEKIT_DATA", "")
    assert data.load("librito").text == BOOK_TEXT
    monkeypatch.delenv("COURSEKIT_DATA")
    assert data.load("librito").text == BOOK_TEXT


def test_sample_stands_in_and_says_why(register, capsys):
    register()
    corpus = data.load("librito")
    line = one_line(capsys)
    assert corpus == data.load_sample("relato") and corpus.is_sample
    for part in ("Relato de muestra", "Un librito", "descarga directa", "example.org"):
        assert part in line


def test_without_a_sample_there_is_an_error(register, capsys):
    register(sample=None)
    with pytest.raises(CourseError, match="descarga directa") as failure:
        data.load("librito")
    assert "muestra" not in str(failure.value) and capsys.readouterr().out == ""


def test_labels_are_read_and_checked(places, register):
    folder, _ = places
    text = "pos\tbueno\nneg\tmalo"
    digest = hashlib.sha256(text.encode()).hexdigest()
    register(reader=readers.lines, labelled=True, sha256=digest)
    path = folder / "libros/librito.txt"
    path.parent.mkdir()
    path.write_text(text + "\n", "utf-8")
    corpus = data.load("librito")
    assert (corpus.labels, corpus.documents) == (["pos", "neg"], ["bueno", "malo"])
    path.write_text(text.replace("neg", "pos"), "utf-8")
    with pytest.raises(CourseError, match="no contiene el texto que usa el curso"):
        data.load("librito")


def test_only_its_part_of_the_sample_stands_in(register):
    whole = data.load_sample("resenas")
    register(sample="resenas", sample_rows=(3, 5), labelled=True)
    corpus = data.load("librito")
    assert (corpus.documents, corpus.labels) == (whole.documents[3:5], whole.labels[3:5])


def test_hash_of_the_file_when_there_is_no_copy_of_the_text(places, register):
    folder, _ = places
    register(sha256=hashlib.sha256(BOOK).hexdigest(), hash_of_file=True)
    path = folder / "libros/librito.txt.gz"
    path.parent.mkdir()
    path.write_bytes(gzip.compress(BOOK))
    assert data.load("librito").text == BOOK_TEXT
    path.write_bytes(gzip.compress(BOOK + b"\r\n"))
    with pytest.raises(CourseError, match="no contiene el texto que usa el curso"):
        data.load("librito")


@pytest.mark.parametrize(
    "name, raw",
    [
        ("ag_news_test", b"<html>Sign in</html>"),
        ("ag_news_test", b'"7","clase","que no hay"\n'),
        ("constitucion_test", b"label,concept,text\n1,sin texto\n"),
        ("imdb_train", b"<html>Sign in</html>"),
        ("imdb_train", b"label,rating,id,text\nneg,1,uno,texto\n"),
        ("imdb_test", b""),
    ],
)
def test_file_of_another_kind_is_one_sentence(places, name, raw):
    folder, _ = places
    path = folder / data.DATASETS[name].path
    path.parent.mkdir()
    path.write_bytes(raw)
    with pytest.raises(CourseError, match="no tiene el formato de este conjunto: bórralo"):
        data.load(name)


def test_archive_serves_several_sets_with_one_download(places, register, server, monkeypatch):
    _, cache = places
    register(f"{server.url}/good", archive="libros/todo.tar")
    other = replace(data.DATASETS["librito"], name="otro", path="libros/otro.txt")
    monkeypatch.setitem(data.DATASETS, "otro", other)
    assert data.load("librito").text == data.load("otro").text == BOOK_TEXT
    assert server.requests == ["/good"] and files_in(cache) == ["todo.tar"]
    (cache / "libros/otro.txt").write_bytes(BOOK)
    assert data.verify("otro").name == "otro.txt"  # la copia propia se lee antes


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_data_folder_that_is_not_a_folder(places, register, monkeypatch, tmp_path, kind):
    register()
    target = tmp_path / "equivocada"
    if kind == "file":
        target.write_text("no soy una carpeta")
    monkeypatch.setenv("COURSEKIT_DATA", str(target))
    problem = {"missing": "no existe", "file": "no es una carpeta"}[kind]
    for action in (data.load, data.fetch, data.verify):
        with pytest.raises(CourseError, match=f"equivocada», que {problem}: pon en ella"):
            action("librito")


def damage(kind):
    packed = gzip.compress(BOOK)
    return {
        "truncated gz": (".gz", packed[:-20], "cortado o dañado"),
        "corrupt gz": (".gz", packed[:30] + bytes(20) + packed[50:], "cortado o dañado"),
        "gz with garbage after it": (".gz", packed + b"basura", "cortado o dañado"),
        "truncated text": ("", CUT, "marcas START y END"),
        "empty": ("", b"", "marcas START y END"),
        "one letter changed": ("", BOOK.replace(b"frase", b"grase"), "SHA-256 .*… en vez de"),
        "latin-1": ("", BOOK.decode("utf-8-sig").encode("latin-1"), "no es texto UTF-8"),
    }[kind]


DAMAGES = [
    "truncated gz", "corrupt gz", "gz with garbage after it", "truncated text", "empty",
    "one letter changed", "latin-1",
]


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_file_in_the_folder_is_an_error(places, register, server, kind):
    """Ni se calla con la muestra ni se descarga por encima: la carpeta la preparó alguien."""
    folder, _ = places
    register(f"{server.url}/good")
    suffix, raw, reason = damage(kind)
    path = folder / f"libros/librito.txt{suffix}"
    path.parent.mkdir()
    path.write_bytes(raw)
    for action in (data.load, data.fetch, data.verify):
        with pytest.raises(CourseError, match=f"(?s){reason}.*bórralo o cámbialo"):
            action("librito")
    assert server.requests == [] and path.read_bytes() == raw


def test_unreadable_file_in_the_folder_is_an_error(places, register):
    folder, _ = places
    register()
    (folder / "libros/librito.txt").mkdir(parents=True)
    with pytest.raises(CourseError, match="no se puede leer"):
        data.load("librito")


@pytest.mark.parametrize("kind", DAMAGES)
def test_damaged_file_in_the_cache_is_downloaded_again(places, register, server, kind):
    _, cache = places
    register(f"{server.url}/good")
    suffix, raw, _ = damage(kind)
    (cache / "libros").mkdir(parents=True)
    (cache / f"libros/librito.txt{suffix}").write_bytes(raw)
    assert data.load("librito").text == BOOK_TEXT
    assert data.load("librito").text == BOOK_TEXT
    assert server.requests == ["/good"]


def test_damaged_file_in_the_cache_without_network(places, register, capsys):
    _, cache = places
    register()
    (cache / "libros").mkdir(parents=True)
    (cache / "libros/librito.txt").write_bytes(CUT)
    assert data.load("librito").is_sample
    assert "tiene en la caché una copia que no tiene las marcas" in one_line(capsys)
    with pytest.raises(CourseError, match="bórralo o cámbialo"):
        data.verify("librito")


def test_verify_of_an_absent_set_says_how_to_get_it(register):
    register()
    with pytest.raises(CourseError, match="coursekit datos descargar librito"):
        data.verify("librito")


@pytest.mark.parametrize("action", [data.load, data.fetch, data.verify])
def test_unknown_name_lists_the_known_ones(action):
    with pytest.raises(CourseError, match="«quijotes»; los que hay son quijote, novelas"):
        action("quijotes")


# --- La red -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "route, reason, times",
    [
        ("/truncated", "cortó la descarga", 2),
        ("/chunked", "cortó la descarga", 2),
        ("/wrong", "entregó un fichero que no contiene el texto que usa el curso", 1),
        ("/short", "entregó un fichero que no tiene las marcas", 1),
        ("/html", "entregó un fichero que no tiene las marcas", 1),
        ("/404", "respondió con el código 404", 1),
        ("/503", "respondió con el código 503", 1),
        ("/drop", "no responde", 1),
        ("/stall", "no responde", 1),
    ],
)
def test_failed_download_is_one_sentence_and_leaves_nothing(
    places, register, server, monkeypatch, capsys, route, reason, times
):
    _, cache = places
    monkeypatch.setattr(registry, "_TIMEOUT", (1, 0.3))
    register(server.url + route)
    with pytest.raises(CourseError) as failure:
        data.fetch("librito")
    assert reason in str(failure.value) and "127.0.0.1" in str(failure.value)
    assert "revisa tu conexión" in str(failure.value)
    assert failure.value.__cause__ is None
    assert server.requests == [route] * times
    assert files_in(cache) == []
    assert data.load("librito").is_sample
    assert reason in one_line(capsys)


def test_closed_port(places, register, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/good"
    register(url)
    assert data.load("librito").is_sample
    printed = capsys.readouterr()
    assert "no responde" in printed.out
    assert printed.err == ""  # ni siquiera una barra vacía: se vería en la página
    assert files_in(places[1]) == []


def test_next_url_is_tried(places, register, server):
    register(*(server.url + route for route in ("/404", "/wrong", "/truncated", "/good")))
    assert data.load("librito").text == BOOK_TEXT
    assert server.requests == ["/404", "/wrong", "/truncated", "/truncated", "/good"]
    assert files_in(places[1]) == ["librito.txt"]


def test_cut_download_is_tried_again(places, register, server):
    register(f"{server.url}/flaky")
    assert data.load("librito").text == BOOK_TEXT
    assert server.requests == ["/flaky", "/flaky"]


def test_silent_host_is_asked_once(register, server):
    """Otra dirección del mismo servidor solo alargaría la espera."""
    register(f"{server.url}/drop", f"{server.url}/drop/2")
    with pytest.raises(CourseError, match="no responde"):
        data.fetch("librito")
    assert server.requests == ["/drop"]


def test_new_header_upstream_changes_nothing(register, server):
    """La huella es la del texto: otra cabecera, otra licencia y LF dan el mismo libro."""
    register(f"{server.url}/revised")
    assert data.load("librito").text == BOOK_TEXT


def test_cache_that_cannot_be_made(places, register, server, capsys):
    _, cache = places
    cache.write_text("un fichero donde debería haber una carpeta")
    register(f"{server.url}/good")
    with pytest.raises(CourseError, match="no se puede guardar en la caché .*permiso"):
        data.fetch("librito")
    assert data.load("librito").is_sample
    assert "no se puede guardar" in one_line(capsys)


@contextmanager
def without_privileges():
    """Quien administra puede escribir en cualquier sitio: se prueba sin ese permiso.

    Hacerse otra persona no sirve: en una carpeta privada tampoco podría leer el paquete.
    """
    if os.geteuid():
        yield
        return
    libc, header = ctypes.CDLL(None, use_errno=True), (ctypes.c_uint32 * 2)(0x20080522, 0)
    held = (ctypes.c_uint32 * 6)()  # dos veces: efectivos, permitidos y heredables
    assert libc.capget(header, held) == 0
    fewer = (ctypes.c_uint32 * 6)(*held)
    fewer[0] &= ~(1 << 1)  # CAP_DAC_OVERRIDE
    assert libc.capset(header, fewer) == 0
    try:
        yield
    finally:
        assert libc.capset(header, held) == 0


def test_read_only_cache(register, server, monkeypatch, capsys):
    register(f"{server.url}/good")
    data.fetch("librito")  # deja importado lo que hace falta antes de perder los permisos
    capsys.readouterr()
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        monkeypatch.setattr(registry, "cache_folder", lambda: cache)
        monkeypatch.delenv("COURSEKIT_DATA")
        cache.chmod(0o555)
        with without_privileges():
            corpus = data.load("librito")
        assert corpus.is_sample and files_in(cache) == []
        assert "no se puede guardar en la caché" in one_line(capsys)
        cache.chmod(0o755)


def test_importing_data_is_light():
    code = "import sys, coursekit.data; print([m for m in sys.modules if m in %r])"
    heavy = ("torch", "numpy", "pooch", "requests", "tqdm", "matplotlib")
    done = subprocess.run(
        [sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_entry_is_complete():
    for name, dataset in data.DATASETS.items():
        assert name == dataset.name
        assert all(url.startswith("https://") for url in dataset.urls)
        assert len(dataset.sha256) == 64 and int(dataset.sha256, 16)
        assert dataset.size > 0 and dataset.licence and dataset.citation
        if dataset.sample:
            sample = data.load_sample(dataset.sample)
            rows = slice(*dataset.sample_rows)
            assert sample.documents[rows] and bool(sample.labels) == dataset.labelled


# --- Los textos reales ------------------------------------------------------------------------


@needs_real_data
def test_real_quijote_holds_the_book_and_nothing_else(capsys):
    corpus = data.load("quijote")
    assert "completo (carpeta COURSEKIT_DATA)" in one_line(capsys)
    # Verdad independiente: las palabras del fichero entre las dos líneas de las marcas.
    raw = gzip.open(Path(REAL_DATA) / "quijote/2000-0.txt.gz", "rt", encoding="utf-8-sig")
    lines = raw.read().splitlines()
    first, last = (
        next(i for i, line in enumerate(lines) if line.startswith(f"*** {word} OF"))
        for word in ("START", "END")
    )
    assert corpus.text.split() == " ".join(lines[first + 1:last]).split()
    assert corpus.text.startswith("El ingenioso hidalgo don Quijote de la Mancha\n")
    assert corpus.text.endswith("sin duda alguna. Vale.\nFin")
    assert "k" not in corpus.text.lower()
    for word in ("Gutenberg", "eBook", "license", "the ", "Produced", "***", "\r", "\ufeff"):
        assert word not in corpus.text
    assert all(d == " ".join(d.split()) and d for d in corpus.documents)
    assert len(corpus.documents) == 5334 and not corpus.is_sample


@needs_real_data
def test_real_quijote_survives_a_new_header(register, server, tmp_path):
    """Como lo reparte hoy la fuente: cabecera y licencia nuevas, CRLF o LF."""
    text = gzip.open(Path(REAL_DATA) / "quijote/2000-0.txt.gz").read().decode("utf-8-sig")
    body = text[text.index("*** START"):text.index("*** END")]
    raw = "Cabecera nueva\n\n" + body.replace("\r\n", "\n") + END + "Licencia nueva"
    (tmp_path / "carpeta/quijote").mkdir()
    (tmp_path / "carpeta/quijote/2000-0.txt").write_bytes(raw.encode())
    assert data.verify("quijote").name == "2000-0.txt"


@needs_real_data
def test_real_novels_match_their_index(capsys):
    corpus = data.load("novelas")
    assert "completo (carpeta COURSEKIT_DATA)" in one_line(capsys)
    index = (Path(REAL_DATA) / "texto_es/novelas_eltec_es.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in index[1:]]
    assert len(rows) == 97
    assert len(corpus.documents) == sum(int(row[5]) for row in rows) == 250_905
    assert all(document.strip() for document in corpus.documents)


@needs_real_data
@pytest.mark.parametrize(
    "name, folder, text",
    [
        ("imdb_test", "imdb/test", lambda row: row[3]),
        ("ag_news_20k", "ag_news/train_20k", lambda row: row[1]),
        ("ag_news_test", "ag_news/test", lambda row: f"{row[1]} {row[2]}"),
        ("constitucion_train", "clasificacion_es/constitucion_train", lambda row: row[2]),
    ],
)
def test_real_labelled_sets_hold_every_row(name, folder, text):
    """Verdad independiente: las mismas filas, cada una con su clase, sin importar el orden."""
    corpus = data.load(name)
    path = Path(REAL_DATA) / f"{folder}.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row[0] != "label"]
    numbers = {label: row[0] for label, row in zip(corpus.labels, rows)}
    if name == "imdb_test":
        numbers = {"neg": "neg", "pos": "pos"}
    pairs = Counter((numbers[label], doc) for label, doc in zip(corpus.labels, corpus.documents))
    assert pairs == Counter((row[0], text(row)) for row in rows)
    assert len(set(numbers.values())) == len(numbers)
    # La muestra que sustituye al conjunto tiene sus mismas clases.
    assert set(corpus.labels) == set(data.load_sample(data.DATASETS[name].sample).labels)


@needs_real_data
def test_real_sizes_and_files():
    for name, dataset in data.DATASETS.items():
        if name != "ag_news_train":  # no hay copia: su huella y su tamaño son los publicados
            raw = data.verify(name).read_bytes()
            raw = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
            assert len(raw) == dataset.size


# --- Las muestras -----------------------------------------------------------------------------


def test_story_sample():
    corpus = data.load_sample("relato")
    chapters = [d for d in corpus.documents if d.startswith("Capítulo ")]
    assert len(corpus.text.encode()) >= 60_000
    assert len(chapters) >= 3 and len(set(chapters)) == len(chapters)
    assert corpus.documents[0] == chapters[0]
    assert all(d == " ".join(d.split()) for d in corpus.documents)
    assert set("ñáéíóúü¿¡") <= set(corpus.text.lower())


@pytest.mark.parametrize(
    "name, classes, rows", [("resenas", 2, 300), ("titulares", 4, 400), ("argumentos", 4, 60)]
)
def test_labelled_samples(name, classes, rows):
    corpus = data.load_sample(name)
    counts = Counter(corpus.labels)
    assert len(corpus.documents) == len(corpus.labels) >= rows
    assert len(counts) == classes
    assert max(counts.values()) - min(counts.values()) <= 0.1 * rows / classes
    assert len(set(corpus.documents)) == len(corpus.documents)
    for text in corpus.documents + corpus.labels:
        assert text and text == text.strip() and "\t" not in text


@pytest.mark.parametrize("name", ["imdb", "ag_news", "constitucion"])
def test_training_and_test_samples_share_nothing(register, monkeypatch, name):
    """Con la misma muestra en las dos partes, la exactitud de prueba mentiría."""
    for part in ("train", "test"):  # como si no hubiera red
        entry = replace(data.DATASETS[f"{name}_{part}"], urls=())
        monkeypatch.setitem(data.DATASETS, f"{name}_{part}", entry)
    train, test = data.load(f"{name}_train"), data.load(f"{name}_test")
    assert not set(train.documents) & set(test.documents)
    assert set(train.labels) == set(test.labels)
    for corpus in (train, test):
        counts = Counter(corpus.labels).values()
        assert max(counts) - min(counts) <= 2 and len(corpus.labels) == len(corpus.documents)


def test_unknown_sample_lists_the_known_ones():
    with pytest.raises(CourseError, match="«cuento»; las que hay son relato, resenas, titulares"):
        data.load_sample("cuento")


# --- Elman ------------------------------------------------------------------------------------


def test_elman_sentences_follow_the_templates():
    sentences = data.elman_sentences(3000, np.random.default_rng(0))
    classes = {word: name for name, words in elman.WORD_CLASSES.items() for word in words}
    assert len(classes) == sum(map(len, elman.WORD_CLASSES.values()))  # ninguna palabra repetida
    subjects = Counter(template[0] for template in elman.TEMPLATES)  # la tabla 4 de Elman
    assert subjects == {"humano": 7, "animal": 4, "cosa": 1, "monstruo": 4}
    seen = Counter(tuple(classes[word] for word in sentence) for sentence in sentences)
    assert set(seen) == set(elman.TEMPLATES)
    # Con 16 plantillas igual de probables tocan 187 ± 13 a cada una.
    assert all(120 < count < 260 for count in seen.values())
    assert {word for sentence in sentences for word in sentence} == set(classes)
    assert {len(sentence) for sentence in sentences} == {2, 3}


def test_elman_sentences_depend_only_on_the_seed():
    first, second, other = (
        data.elman_sentences(50, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == second != other


def test_elman_sentences_needs_a_positive_number():
    with pytest.raises(CourseError, match="num_sentences es 0"):
        data.elman_sentences(0, np.random.default_rng(0))


# --- Defectos conocidos: lo nuestro los supera y lo defectuoso los tiene ---------------------


def run(program, **env):
    """Lo que escribe un programa de Python en otro proceso, con otras variables de entorno."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **env},
    )  # fmt: skip


LINE = "En un lugar de la Mancha, vivía un hidalgo."
BEGINNING = "\n\n*** START OF THE PROJECT GUTENBERG EBOOK 2000 ***\n\n"
ENDING = "\n\n*** END OF THE PROJECT GUTENBERG EBOOK 2000 ***\n\nThis book is free: look at the work."


def edition(header, newline="\n", bom=b""):
    return bom + (header + BEGINNING + LINE + ENDING).replace("\n", newline).encode()


def from_a_fixed_place(raw):
    """Los mismos lugares que valieron con el fichero de un día."""
    return raw.decode()[len("Una cabecera" + BEGINNING) :][: len(LINE)]


def with_the_licence(raw):
    return raw.decode("utf-8-sig").split("2000 ***", 1)[1]


@regression(ours=readers.gutenberg, defective=[from_a_fixed_place, with_the_licence])
def test_licence_is_cut(read):
    """Con otra cabecera, BOM y CRLF sale el mismo libro, y ninguna k."""
    first = read(edition("Una cabecera"))
    assert "k" not in build_vocab_from_iterator([letters(first)])
    assert first == LINE
    assert read(edition("Otra cabecera, más larga", "\r\n", b"\xef\xbb\xbf")) == LINE


READ_OURS = """
from coursekit.data import load_sample
print(ascii(load_sample("relato").text[:3000]))
"""
READ_BY_LOCALE = """
print(ascii(open("coursekit/data/samples/relato.txt", "r").read()))
"""


@regression(ours=READ_OURS, defective=READ_BY_LOCALE)
def test_reading_ignores_the_locale(program):
    """Defecto: lectura que depende de la configuración regional."""
    result = run(program, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert result.returncode == 0 and b"\\xf3" in result.stdout  # una ó
