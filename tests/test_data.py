"""El registro, los lectores, la descarga contra un servidor de verdad y las muestras."""

import csv
import ctypes
import gzip
import hashlib
import html
import importlib.util
import io
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient

from conftest import missing_tool, needs_real_data
from coursekit import data
from coursekit.data import builders, elman, parts, readers, registry
from coursekit.data.parts import Part
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

        def send_file(self, path):
            """Un archivo de una fuente, o el siguiente de los fallos que le tocan."""
            nonlocal busy
            raw, faults = httpd.contents[path], httpd.faults.get(path)
            fault = faults.pop(0) if faults else None
            with lock:
                busy += 1
                httpd.at_once = max(httpd.at_once, busy)
            time.sleep(0.01)  # para que varias peticiones coincidan
            if fault == "cut":
                self.send(raw[:-10], length=len(raw))
            elif fault == "chunked":
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"40\r\n" + raw[:64] + b"\r\n")
                self.close_connection = True
            elif fault == "corrupt":
                self.send(raw[:-10] + b"0123456789")
            elif fault in ("stall", "slow"):
                self.send_response(200)
                self.send_header("Content-Length", str(10**9))
                self.end_headers()
                self.wfile.write(raw)
                httpd.slow.set()
                self.close_connection = True
                with suppress(OSError):  # hasta que quien pide se canse
                    while not stop.wait(0.02):
                        self.wfile.write(raw if fault == "slow" else b"")
            elif fault == "drop":
                self.close_connection = True
            elif fault:
                self.send(b"later", status=fault)
            else:
                self.send(raw)
            with lock:
                busy -= 1

        def do_GET(self):
            path = unquote(self.path)
            requests.append(path)
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
            elif path in httpd.contents:
                self.send_file(path)
            elif self.path.startswith("/stall"):
                stop.wait(20)
            else:
                self.send(BOOK)

    stop, lock, busy = threading.Event(), threading.Lock(), 0
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    httpd.url = f"http://127.0.0.1:{httpd.server_port}"
    httpd.requests, httpd.contents, httpd.faults = requests, {}, {}
    httpd.at_once, httpd.slow = 0, threading.Event()
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
        readers.lines("añ".encode()[:2] + b"\xff")


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


# --- Conjuntos repartidos en varios archivos ----------------------------------------------------

PIECES = [f"Trozo {number}: ".encode() + bytes([97 + number]) * 70_000 + b"\n" for number in range(9)]


def part(server, path, raw, digest=None):
    server.contents[path] = raw
    return Part(server.url + quote(path), len(raw), digest or hashlib.sha256(raw).hexdigest())


@pytest.fixture
def pieces(server, register, monkeypatch):
    """Un conjunto en nueve archivos, y esperas cortas entre intentos."""
    monkeypatch.setattr(parts, "_WAITS", (0.01, 0.02, 0.03))
    text = b"".join(PIECES)
    register(
        parts=tuple(part(server, f"/trozos/{n} [ñ].txt", raw) for n, raw in enumerate(PIECES)),
        build=lambda files: b"".join(raw for _, raw in files),
        reader=readers.lines,
        sha256=hashlib.sha256(text.decode().rstrip("\n").encode()).hexdigest(),
    )
    return server


def asked_twice(server):
    return sorted(path for path, times in Counter(server.requests).items() if times == 2)


def test_parts_become_one_file(places, pieces, capsys):
    _, cache = places
    assert data.load("librito").text.encode() + b"\n" == b"".join(PIECES)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "Descargando «Un librito»: 630 kB en 9 archivos…"
    assert second == "Datos: «Un librito», completo (caché de este equipo)."
    assert files_in(cache) == ["librito.txt"]
    assert (cache / "libros/librito.txt").read_bytes() == b"".join(PIECES)
    assert sorted(pieces.requests) == sorted(pieces.contents) and 1 < pieces.at_once <= 4
    assert data.fetch("librito") == data.verify("librito") == cache / "libros/librito.txt"
    assert len(pieces.requests) == 9


@pytest.mark.parametrize("fault", ["cut", "chunked", "corrupt", "stall", "drop", 503, 429])
def test_passing_fault_of_a_part_is_overcome(places, pieces, monkeypatch, fault):
    monkeypatch.setattr(registry, "_TIMEOUT", (1, 0.3))
    for path in (spoiled := sorted(pieces.contents)[::3]):
        pieces.faults[path] = [fault]
    assert data.load("librito").text.encode() + b"\n" == b"".join(PIECES)
    assert asked_twice(pieces) == spoiled and len(pieces.requests) == 12


@pytest.mark.parametrize(
    "fault, times, reason",
    [
        ("cut", 4, "cortó la descarga; .*revisa tu conexión"),
        ("chunked", 4, "cortó la descarga; .*revisa tu conexión"),
        ("corrupt", 4, r"entregó otra cosa en lugar de «8 \[ñ\]\.txt»; .*conexión, actualiza"),
        ("stall", 4, "dejó de enviar datos; .*revisa tu conexión"),
        ("drop", 4, "no responde; .*revisa tu conexión"),
        (503, 4, r"respondió con el código 503 al pedir «8 \[ñ\]\.txt»; .*revisa tu conexión"),
        (404, 1, r"respondió con el código 404 al pedir «8 \[ñ\]\.txt»; .*actualiza coursekit"),
    ],
)
def test_lasting_fault_is_one_sentence_and_the_rest_is_kept(
    places, pieces, monkeypatch, capsys, fault, times, reason
):
    _, cache = places
    monkeypatch.setattr(registry, "_TIMEOUT", (1, 0.3))
    path = "/trozos/8 [ñ].txt"
    pieces.faults[path] = [fault] * 99
    with pytest.raises(CourseError, match=f"127.0.0.1.* {reason}") as failure:
        data.fetch("librito")
    assert re.search(r"; \d de 9 archivos ya están", str(failure.value))
    assert failure.value.__cause__ is None and str(failure.value).count("\n") == 0
    assert pieces.requests.count(path) == times
    good = {entry.digest for entry in data.DATASETS["librito"].parts}
    assert files_in(cache) and set(files_in(cache)) < good  # ni un archivo a medias
    capsys.readouterr()
    assert data.load("librito").is_sample  # vuelve a intentarlo; como no llega, la muestra
    assert re.search(reason.split(";")[0], capsys.readouterr().out)
    kept = files_in(cache)
    pieces.faults.clear()
    pieces.requests.clear()
    assert not data.load("librito").is_sample
    assert path in pieces.requests and len(pieces.requests) == 9 - len(kept)
    assert files_in(cache) == ["librito.txt"]


def test_after_a_failure_nothing_more_is_asked(places, pieces, monkeypatch):
    monkeypatch.setattr(registry, "_TIMEOUT", (1, 0.3))
    first, *others = sorted(pieces.contents)[:4]
    pieces.faults |= {first: [404]} | {path: ["stall"] for path in others}
    with pytest.raises(CourseError, match="404"):
        data.fetch("librito")
    assert sorted(pieces.requests) == [first, *others] and files_in(places[1]) == []


def test_damaged_part_is_asked_again(places, pieces):
    _, cache = places
    pieces.faults["/trozos/8 [ñ].txt"] = [404]
    with pytest.raises(CourseError):
        data.fetch("librito")
    kept = {path.name: path for path in cache.rglob("*") if path.is_file()}
    named = zip(data.DATASETS["librito"].parts, sorted(pieces.contents))
    damaged = next((kept[entry.digest], path) for entry, path in named if entry.digest in kept)
    damaged[0].write_bytes(bytes(damaged[0].stat().st_size))
    pieces.requests.clear()
    assert not data.load("librito").is_sample
    assert damaged[1] in pieces.requests and files_in(cache) == ["librito.txt"]


def test_unreachable_source_of_parts_is_asked_little(places, pieces, monkeypatch, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    monkeypatch.setattr(parts, "_WAITS", (0.6, 60, 60))  # sin red, no se espera más
    old = data.DATASETS["librito"]
    moved = tuple(replace(entry, url=url + str(n)) for n, entry in enumerate(old.parts))
    monkeypatch.setitem(data.DATASETS, "librito", replace(old, parts=moved))
    start = time.monotonic()
    assert data.load("librito").is_sample and time.monotonic() - start < 30
    printed = capsys.readouterr()
    assert re.search(r"127.0.0.1:\d+ no responde\)", printed.out)
    assert printed.err == ""  # ni siquiera una barra vacía: se vería en la página
    assert files_in(places[1]) == []


@pytest.mark.parametrize("room", [1_000, 500_000])
def test_full_disk(places, pieces, capsys, room):
    """Sin sitio para un archivo, o para el fichero que sale de todos."""
    _, cache = places
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        corpus = data.load("librito")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert corpus.is_sample
    out = capsys.readouterr().out
    assert "no se puede guardar en la caché" in out and "comprueba que hay espacio" in out
    assert set(files_in(cache)) <= {entry.digest for entry in data.DATASETS["librito"].parts}


def test_parts_that_give_another_text(places, pieces, monkeypatch):
    entry = replace(data.DATASETS["librito"], sha256="0" * 64)
    monkeypatch.setitem(data.DATASETS, "librito", entry)
    with pytest.raises(CourseError, match="no dan el texto que usa el curso: actualiza coursekit"):
        data.fetch("librito")
    assert "librito.txt" not in files_in(places[1])


INTERRUPTED = """
import hashlib, sys
from dataclasses import replace
from pathlib import Path
from coursekit import data, cli
from coursekit.data import parts, readers, registry
cache, url, *files = sys.argv[1:]
registry.cache_folder = lambda: Path(cache)
pinned = tuple(parts.Part(url + path, int(size), digest)
               for path, size, digest in (file.split() for file in files))
data.DATASETS["novelas"] = replace(data.DATASETS["novelas"], parts=pinned)
sys.exit(cli.main(["datos", "descargar", "novelas"]))
"""


def test_interrupted_download_is_clean_and_resumes(places, pieces):
    _, cache = places
    slow = "/trozos/5 [ñ].txt"
    pieces.faults[slow] = ["slow"]
    entries = data.DATASETS["librito"].parts
    files = [f"{urlsplit(e.url).path} {e.size} {e.digest}" for e in entries]
    environment = {key: value for key, value in os.environ.items() if key != "COURSEKIT_DATA"}
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(cache), pieces.url, *files],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        # en segundo plano, las pruebas heredan SIGINT ignorada
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        assert pieces.slow.wait(60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 1 and err.endswith("Interrumpido.\n") and "Traceback" not in err
    kept = set(files_in(cache))
    assert kept < {entry.digest for entry in entries}
    folder = cache / "texto_es/novelas_eltec_es.txt.partes"
    (cache / "libros").mkdir()
    folder.rename(cache / "libros/librito.txt.partes")
    pieces.requests.clear()
    assert not data.load("librito").is_sample
    assert len(pieces.requests) == 9 - len(kept) and slow in pieces.requests


TEI = """<?xml version="1.0"?>{}
<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><p>Fuera</p></teiHeader><text><body>
<note><p>Nota suelta</p></note><div><head>Título<note n="1">nota <p>al pie</p></note>
  seguido</head> suelto <p>Con <hi>énfasis</hi> y <quote>cita</quote>.</p><p> </p>
<quote><p>Cita en párrafo</p><quote>Cita sola</quote></quote><l>Verso</l>
<quote>Otra <note>nota</note>cita</quote><p>Uno <p>dentro</p> de otro</p></div></body></text></TEI>"""


def test_novels_are_read_from_tei():
    raw = builders.novels([("uno.xml", TEI.format("").encode())] * 2).decode()
    lines = [
        "Título seguido", "Con énfasis y cita.", "Cita en párrafo", "Cita sola", "Verso",
        "Otra cita", "Uno dentro de otro",
    ]  # fmt: skip
    assert raw == "".join(f"{line}\n" for line in lines * 2)


def test_novels_with_entities_are_refused():
    bomb = '<!DOCTYPE TEI [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    with pytest.raises(ValueError, match="DOCTYPE"):
        builders.novels([("uno.xml", TEI.format(bomb).encode())])


def test_constitution_drops_empty_and_repeated_texts():
    train = "1/a / dos  palabras \n2/b/ \n".encode("latin-1")
    test = "3/ c/d / uno/dos\n1/e/dos palabras\n4/f/acción\n".encode("latin-1")
    assert builders.constitution([("a", train)]) == b"label,concept,text\n1,a,dos palabras\n"
    expected = "label,concept,text\n3,c,d / uno/dos\n4,f,acción\n"
    assert builders.constitution([("a", train), ("b", test)]).decode() == expected


# --- Lo demás ---------------------------------------------------------------------------------

def test_note_in_a_notebook_is_short_wraps_and_can_be_found(tmp_path):
    code = """
from dataclasses import replace
from coursekit import data
for name in ("novelas", "quijote"):
    data.DATASETS[name] = replace(data.DATASETS[name], urls=(), parts=())
"""
    load = 'assert data.load("novelas").is_sample'
    cells = [nbformat.v4.new_code_cell(source) for source in (code, load, "data.load('quijote');")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    environment = dict(os.environ, COURSEKIT_DATA="", XDG_CACHE_HOME=str(tmp_path))
    NotebookClient(notebook).execute(env=environment)
    [output] = notebook.cells[1].outputs
    text, shown = output.data["text/plain"], output.data["text/html"]
    assert "«Relato de muestra» en lugar de «97 novelas españolas (1840-1920)»" in text
    assert len(text) < 250 and len(re.findall(r"[.:] [A-ZÁÉÍÓÚ]", text)) <= 1
    assert html.unescape(re.sub("<[^>]+>", "", shown)) == text and "overflow-wrap" in shown
    assert data.stand_ins(notebook) == data.stand_ins(json.loads(nbformat.writes(notebook)))
    assert data.stand_ins(notebook) == ["novelas", "quijote"]
    assert data.stand_ins(nbformat.v4.new_notebook(cells=cells[:1])) == []


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
        urls = [*dataset.urls, *(part.url for part in dataset.parts)]
        assert urls and all(re.fullmatch(r"https://[\w./~%-]+", url) for url in urls)
        assert bool(dataset.parts) == bool(dataset.build)
        assert all(part.size > 0 and len(part.digest) in (32, 64) for part in dataset.parts)
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


# --- Los textos reales, desde su fuente ---------------------------------------------------------

# Los archivos de las fuentes, tal como los sirve cada repositorio.
SOURCES = {
    "/COST-ELTeC/ELTeC-spa/": "eltec-spa-level1.tar.xz",
    "/Rukua95/Spanish_Word_Embedding_Evaluations/": "spanish-evaluations.tar.xz",
}


@pytest.fixture(scope="module")
def originals():
    """Los archivos de las fuentes por su ruta en el servidor, sin la versión: ruta → bytes."""
    contents = {}
    for prefix, archive in SOURCES.items():
        path = Path(REAL_DATA) / "origen" / archive
        if not path.is_file():
            missing_tool(f"No está {path}: sin los archivos de las fuentes no hay qué servir.")
        with tarfile.open(path) as members:
            for member in filter(tarfile.TarInfo.isfile, members):
                name = member.name.removeprefix("./")
                contents[prefix + name] = members.extractfile(member).read()
    tests = Path(importlib.util.find_spec("gensim").origin).parent / "test/test_data"
    for name in ("wordsim353.tsv", "simlex999.txt", "questions-words.txt"):
        contents[f"/piskvorky/gensim/gensim/test/test_data/{name}"] = (tests / name).read_bytes()
    return contents


@pytest.fixture
def world(server, places, originals, monkeypatch):
    """El registro verdadero, con las direcciones de GitHub llevadas al servidor de la prueba."""
    monkeypatch.setattr(registry, "_TIMEOUT", (5, 1))
    monkeypatch.setattr(parts, "_WAITS", (0.01, 0.02, 0.03))

    def here(url):
        return url.replace("https://raw.githubusercontent.com", server.url)

    for name, entry in list(data.DATASETS.items()):
        moved = tuple(replace(p, url=here(p.url)) for p in entry.parts)
        entry = replace(entry, urls=tuple(map(here, entry.urls)), parts=moved)
        monkeypatch.setitem(data.DATASETS, name, entry)
        for url in (*entry.urls, *(p.url for p in moved)):
            path = unquote(urlsplit(url).path)
            without_version = re.sub("^(/[^/]+/[^/]+)/[^/]+", r"\1", path)
            if raw := originals.get(without_version):
                server.contents[path] = raw
    return server


def real(name):
    """Lo que hay en la carpeta de datos, descomprimido."""
    path = Path(REAL_DATA) / data.DATASETS[name].path
    return path.read_bytes() if path.is_file() else gzip.open(f"{path}.gz").read()


@needs_real_data
@pytest.mark.parametrize(
    "name",
    [
        "wordsim353", "simlex999", "questions-words", "rg65_es", "mc30_es", "wordsim353_es",
        "semeval2017_es", "questions-words-es", "constitucion_train", "constitucion_test",
    ],
)  # fmt: skip
def test_real_set_is_rebuilt_byte_for_byte(world, places, name):
    assert data.fetch(name).read_bytes() == real(name)
    assert files_in(places[1]) == [Path(data.DATASETS[name].path).name]


@needs_real_data
def test_real_novels_are_rebuilt_byte_for_byte_in_spite_of_everything(world, places, capsys):
    faults = ["cut", "chunked", "corrupt", "stall", "drop", 503]
    paths = [unquote(urlsplit(entry.url).path) for entry in data.DATASETS["novelas"].parts]
    for fault, path in zip(faults, (spoiled := paths[10::10])):
        world.faults[path] = [fault]
    assert data.fetch("novelas").read_bytes() == real("novelas")
    out = capsys.readouterr().out
    assert out == "Descargando «97 novelas españolas (1840-1920)»: 57 MB en 97 archivos…\n"
    assert asked_twice(world) == sorted(spoiled[: len(faults)])
    assert files_in(places[1]) == ["novelas_eltec_es.txt"]


@needs_real_data
def test_real_origins_are_the_ones_listed():
    """Verdad independiente: las listas que acompañan a los archivos de las fuentes."""
    listed = {}
    for file in ("eltec-spa-level1.tsv", "spanish-evaluations.tsv"):
        path = Path(REAL_DATA) / "origen" / file
        if not path.is_file():
            missing_tool(f"No está {path}.")
        rows = csv.DictReader(path.read_text("utf-8").splitlines(), delimiter="\t")
        listed |= {row["path"]: (int(row["bytes"]), row["sha256"]) for row in rows}
    ours = {}
    for name, entry in data.DATASETS.items():
        if name == "novelas" or name.endswith("_es") or "constitucion" in name or "-es" in name:
            for p in entry.parts:
                path = unquote(urlsplit(p.url).path).split("/", 4)[4]
                ours[path] = (p.size, p.digest)
    assert ours == listed


@needs_real_data
def test_real_news_are_found_among_all_of_them():
    """Con las nuestras barajadas entre otras y partidas en título y descripción."""
    rng = np.random.default_rng(0)
    rows = list(csv.reader(io.StringIO(real("ag_news_20k").decode(), newline="")))
    rows = [(label, *text.split(" ", 1)) for label, text in rows]
    others = [(str(1 + n % 4), f"Otra noticia {n}", "que no está") for n in range(1000)]
    table = io.StringIO(newline="")
    everything = rows + others
    csv.writer(table, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        everything[i] for i in rng.permutation(len(everything))
    )
    raw = table.getvalue().encode()
    assert builders.news([("train.csv", raw)]) == real("ag_news_20k")
    with pytest.raises(KeyError):
        builders.news([("train.csv", raw.replace(b"Reuters", b"reuters"))])


@needs_real_data
def test_real_vectors_are_the_first_rows(server, places, monkeypatch):
    rows = real("glove_50d")
    raw = gzip.compress(b"400000 50\n" + rows + b"zzz" + b" 0.5" * 50 + b"\n", 1)
    entry = data.DATASETS["glove_50d"]
    served = part(server, "/glove.gz", raw, hashlib.md5(raw).hexdigest())
    monkeypatch.setitem(data.DATASETS, "glove_50d", replace(entry, parts=(served,)))
    assert data.fetch("glove_50d").read_bytes() == rows


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
