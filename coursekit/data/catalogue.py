"""Catálogo de los conjuntos de datos: de dónde viene cada uno, su huella y cómo se lee."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from urllib.parse import quote

from coursekit.data import builders, readers
from coursekit.data.parts import Part


@dataclass(frozen=True)
class Dataset:
    """Todo lo que hay que saber de un conjunto de datos.

    Args:
        name: nombre con el que se pide.
        title: título para mostrar.
        path: ruta dentro de `COURSEKIT_DATA` y de la caché; también vale comprimido, con `.gz`.
        urls: direcciones de descarga, en el orden en que se prueban.
        sha256: huella del texto limpio que da `reader`, no del fichero: así no cambia si la
            fuente lo recomprime, cambia los saltos de línea o retoca la licencia (salvo con
            `hash_of_file`).
        size: bytes del fichero sin comprimir.
        licence: condiciones de uso.
        citation: cómo citarlo.
        source: página de la que procede.
        reader: de los bytes del fichero al texto limpio, con un documento por línea.
        sample: la muestra que lo sustituye cuando no se consigue, si hay alguna.
        sample_rows: qué documentos de la muestra: entrenamiento y prueba no comparten ninguno.
        labelled: si el texto limpio lleva delante de cada documento su etiqueta y un tabulador.
        archive: ruta del archivo que reparte la fuente, si es de varios conjuntos a la vez; es lo
            que se descarga y también vale en lugar de `path`.
        hash_of_file: si `sha256` es la huella del fichero, como la publican otros: cuando el
            curso no tiene una copia de la que sacar la del texto.
        parts: los archivos de la fuente, fijados por su huella, cuando el fichero se rehace a
            partir de ellos; entonces no hace falta `urls`.
        build: de los archivos, como pares de nombre y bytes, al fichero.
    """

    name: str
    title: str
    path: str
    urls: tuple[str, ...]
    sha256: str
    size: int
    licence: str
    citation: str
    source: str
    reader: Callable[[bytes], str]
    sample: str | None
    sample_rows: tuple[int, int | None] = (0, None)
    labelled: bool = False
    archive: str = ""
    hash_of_file: bool = False
    parts: tuple[Part, ...] = ()
    build: Callable[[builders.Files], bytes] | None = None


_RAW = "https://raw.githubusercontent.com"
_ELTEC_FILES = "COST-ELTeC/ELTeC-spa/83e2a22d5ef66f96e59f47f7ef810358c4236322"
_SPANISH_FILES = (
    "Rukua95/Spanish_Word_Embedding_Evaluations/3038779a5d54d0ed3339fcc9185305a0540e2430"
)


@cache
def _table() -> list[dict[str, str]]:
    text = builders.origin("files.tsv").decode()
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))


def _parts(name: str, repository: str) -> tuple[Part, ...]:
    """Los archivos de un conjunto en un repositorio, fijado en una de sus versiones."""
    return tuple(
        Part(f"{_RAW}/{repository}/{quote(row['path'])}", int(row["bytes"]), row["sha256"])
        for row in _table()
        if row["set"] == name
    )


def _imdb(name: str, title: str, file: str, sha256: str, size: int, **changes) -> Dataset:
    return Dataset(
        name=f"imdb_{name}",
        title=f"Reseñas de IMDb, {title}",
        path=f"imdb/{file}",
        urls=("https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",),
        sha256=sha256,
        size=size,
        licence="sin licencia explícita",
        citation="Maas et al. (2011), «Learning Word Vectors for Sentiment Analysis», ACL. "
        "Large Movie Review Dataset v1.0.",
        source="https://ai.stanford.edu/~amaas/data/sentiment/",
        archive="imdb/aclImdb_v1.tar.gz",
        **changes,
    )


_IMDB = (
    _imdb(
        "train",
        "entrenamiento",
        "train.csv",
        "1217d466f72e8da81de0faaa2ca065da6cfe6bf59e9d5517ab55b277134f4076",
        33_554_689,
        reader=partial(readers.imdb, split="train"),
        sample="resenas",
        sample_rows=(0, 250),
        labelled=True,
    ),
    _imdb(
        "test",
        "prueba",
        "test.csv",
        "e86965d94a279977dbca9fe2d8ca53d13a9d76e850ef774b9c0318701b8935a0",
        32_772_936,
        reader=partial(readers.imdb, split="test"),
        sample="resenas",
        sample_rows=(250, None),
        labelled=True,
    ),
    _imdb(
        "unsup",
        "sin etiqueta",
        "unsup.txt",
        "fcd64d46bd8696181284ba433f8c6ea2407f57f0f34a28d682ae664abd0faa4b",
        66_556_794,
        reader=readers.imdb_unsup,
        sample=None,
    ),
)


def _ag_news(name: str, title: str, file: str, sha256: str, size: int, **changes) -> Dataset:
    return Dataset(
        name=f"ag_news_{name}",
        title=f"AG News, {title}",
        path=f"ag_news/{file}",
        sha256=sha256,
        size=size,
        licence="investigación y usos no comerciales",
        citation="Zhang, Zhao y LeCun (2015), «Character-level Convolutional Networks for Text "
        "Classification», NIPS. Noticias reunidas por A. Gulli.",
        source="https://github.com/mhjabreel/CharCnn_Keras",
        reader=readers.ag_news,
        sample="titulares",
        labelled=True,
        **changes,
    )


_AG_NEWS_URL = f"{_RAW}/mhjabreel/CharCnn_Keras/master/data/ag_news_csv"
_AG_NEWS_TRAIN = Part(
    f"{_AG_NEWS_URL}/train.csv",
    29_470_338,
    "76a0a2d2f92b286371fe4d4044640910a04a803fdd2538e0f3f29a5c6f6b672e",
)
_AG_NEWS = (
    _ag_news(
        "train",
        "entrenamiento",
        "train.csv",
        _AG_NEWS_TRAIN.digest,
        _AG_NEWS_TRAIN.size,
        hash_of_file=True,
        urls=(_AG_NEWS_TRAIN.url,),
        sample_rows=(0, 324),
    ),
    _ag_news(
        "20k",
        "20 000 noticias del entrenamiento",
        "train_20k.csv",
        "8371a64d90a091875bdb7af356f14ab4006f91a5c4446c8b34d93b43510fa0c8",
        4_906_121,
        urls=(),
        parts=(_AG_NEWS_TRAIN,),
        build=builders.news,
        sample_rows=(0, 324),
    ),
    _ag_news(
        "test",
        "prueba",
        "test.csv",
        "e50bed8b46ef5e8e63717faf3bcbf9aa74f41f43d0452603629eaf8b0b7cdeba",
        1_857_427,
        urls=(f"{_AG_NEWS_URL}/test.csv",),
        sample_rows=(324, None),
    ),
)


def _constitucion(name: str, title: str, sha256: str, size: int, **changes) -> Dataset:
    return Dataset(
        name=f"constitucion_{name}",
        title=f"Argumentos para una constitución, {title}",
        path=f"clasificacion_es/constitucion_{name}.csv",
        urls=(),
        sha256=sha256,
        size=size,
        licence="datos abiertos del Gobierno de Chile",
        citation="Fierro et al. (2017), «200K+ Crowdsourced Political Arguments for a New Chilean "
        "Constitution», Workshop on Argument Mining.",
        source="https://github.com/uchile-nlp/ArgumentMining2017",
        reader=readers.constitucion,
        parts=_parts(f"constitucion_{name}", _SPANISH_FILES),
        build=builders.constitution,
        sample="argumentos",
        labelled=True,
        **changes,
    )


_CONSTITUCION = (
    _constitucion(
        "train",
        "entrenamiento",
        "96c051d0e5c9d665717c58f9e69c1340cc62d80a32cb5c5ce6bc7709656214c6",
        2_611_002,
        sample_rows=(0, 48),
    ),
    _constitucion(
        "test",
        "prueba",
        "489f07b590700e65ef9a64a06f66cc27d983acdf7052759f0d802b9e21105b7a",
        2_585_917,
        sample_rows=(48, None),
    ),
)


def _lines(
    path: str, title: str, sha256: str, size: int, citation: str, source: str, **changes
) -> Dataset:
    """Fichero que se usa línea a línea, sin muestra."""
    return Dataset(
        name=Path(path).stem,
        title=title,
        path=path,
        sha256=sha256,
        size=size,
        licence="sin licencia declarada",
        citation=citation,
        source=source,
        reader=readers.lines,
        sample=None,
        **changes,
    )


def _english(file: str, *facts) -> Dataset:
    """Fichero que reparte gensim con sus pruebas."""
    url = f"{_RAW}/piskvorky/gensim/4.4.0/gensim/test/test_data/{file}"
    source = "https://github.com/piskvorky/gensim/tree/develop/gensim/test/test_data"
    return _lines(f"similitud_en/{file}", *facts, source, urls=(url,))


def _spanish(file: str, *facts, build: Callable[[builders.Files], bytes]) -> Dataset:
    """Fichero que se rehace a partir de los de un repositorio de conjuntos en español."""
    source = "https://github.com/Rukua95/Spanish_Word_Embedding_Evaluations"
    parts = _parts(Path(file).stem, _SPANISH_FILES)
    return _lines(f"similitud_es/{file}", *facts, source, urls=(), parts=parts, build=build)


_SIMILARITY = (
    _english(
        "wordsim353.tsv",
        "WordSim-353",
        "afe5de9a7b23ed281c2a78ad543c92a11dba2284e3584ddd4e046d215c85f1b3",
        7_186,
        "Finkelstein et al. (2002), «Placing Search in Context: The Concept Revisited», ACM TOIS.",
    ),
    _english(
        "simlex999.txt",
        "SimLex-999",
        "02a9add18502e5518d586beadd6efa15a5425b466a4a529660d5c3b32d3f08fe",
        18_126,
        "Hill, Reichart y Korhonen (2015), «SimLex-999: Evaluating Semantic Models With (Genuine) "
        "Similarity Estimation», Computational Linguistics.",
    ),
    _english(
        "questions-words.txt",
        "Analogías de Google",
        "5f4c61e02fe9f09dbb4924c7c5ed0a0e06358dc3d4b51140523559f011a8af8d",
        603_955,
        "Mikolov et al. (2013), «Efficient Estimation of Word Representations in Vector Space».",
    ),
    _spanish(
        "rg65_es.tsv",
        "RG-65 en español",
        "6389f9cf824939fdddb35b05cb7d2f0c2970e3517a3f02a7e833bd587483a067",
        1_364,
        "Camacho-Collados, Pilehvar y Navigli (2015), «A Framework for the Construction of "
        "Monolingual and Cross-lingual Word Similarity Datasets», ACL.",
        build=partial(
            builders.pairs,
            heading="RG-65 en espanol (Camacho-Collados et al. 2015), escala 0-4",
            separator=" ",
        ),
    ),
    _spanish(
        "mc30_es.tsv",
        "MC-30 en español, sin tildes",
        "0243b51460eb34fbeaab1521140916e0e7c7c0bc7d4371ea85cbfe853c94587c",
        676,
        "Hassan y Mihalcea (2009), «Cross-lingual Semantic Relatedness Using Encyclopedic "
        "Knowledge», EMNLP.",
        build=partial(
            builders.pairs,
            heading="MC-30 en espanol (Hassan y Mihalcea 2009), escala 0-4, "
            "sin tildes en el original",
        ),
    ),
    _spanish(
        "wordsim353_es.tsv",
        "WordSim-353 en español, sin tildes",
        "d4674399f801e90b84354cbf59fcd058e97e8259127fb5f502f22092347e2917",
        7_462,
        "Hassan y Mihalcea (2009), «Cross-lingual Semantic Relatedness Using Encyclopedic "
        "Knowledge», EMNLP.",
        build=partial(
            builders.pairs,
            heading="WordSim-353 en espanol (Hassan y Mihalcea 2009), escala 0-10, "
            "sin tildes en el original",
        ),
    ),
    _spanish(
        "semeval2017_es.tsv",
        "SemEval-2017, tarea 2, en español",
        "56ae7f03b7a2faefa2b73c5e240ffca9ac72f6573c3a6ea2bdea4c607f36cd0d",
        11_860,
        "Camacho-Collados et al. (2017), «SemEval-2017 Task 2: Multilingual and Cross-lingual "
        "Semantic Word Similarity».",
        build=partial(
            builders.pairs,
            heading="SemEval-2017 tarea 2, monolingue espanol (test), escala 0-4",
        ),
    ),
    _spanish(
        "questions-words-es.txt",
        "Analogías de Google en español",
        "8869fdac58dae687189f1de5568867b0af5606c77ddbf35bb0c74c8acf3e6971",
        490_311,
        "Traducción de las analogías de Mikolov et al. (2013); Cardellino (2016), «Spanish "
        "Billion Words Corpus and Embeddings».",
        build=builders.analogies,
    ),
)


def _glove(dim: int, num_words: int, sha256: str, size: int, whole: tuple[int, str]) -> Dataset:
    """Los primeros vectores de los que reparte gensim: `whole` es el tamaño y el MD5 de todos."""
    name = f"glove-wiki-gigaword-{dim}"
    url = f"https://github.com/RaRe-Technologies/gensim-data/releases/download/{name}/{name}.gz"
    return Dataset(
        name=f"glove_{dim}d",
        title=f"GloVe 6B de {dim} dimensiones, las {num_words} palabras más frecuentes",
        path=f"glove/glove.6B.{dim}d.top{num_words}.txt",
        urls=(),
        sha256=sha256,
        size=size,
        licence="PDDL 1.0",
        citation="Pennington, Socher y Manning (2014), «GloVe: Global Vectors for Word "
        "Representation», EMNLP.",
        source="https://nlp.stanford.edu/projects/glove/",
        reader=readers.lines,
        parts=(Part(url, *whole),),
        build=partial(builders.first_rows, count=num_words),
        sample=None,
    )


_GLOVE = (
    _glove(
        50,
        10_362,
        "45623d64f502f572e433be29f39e0314131c484e1ad96e48540cda2790a5291c",
        4_433_077,
        (69_182_535, "c289bc5d7f2f02c6dc9f2f9b67641813"),
    ),
    _glove(
        100,
        2_604,
        "72ab9b414845a4270cc25c9c08161c33f08ba389a2d58a77ee529d93c3b84661",
        2_230_427,
        (134_300_434, "40ec481866001177b8cd4cb0df92924f"),
    ),
)

DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="quijote",
            title="Don Quijote de la Mancha",
            path="quijote/2000-0.txt",
            urls=(
                "https://www.gutenberg.org/files/2000/2000-0.txt",
                "https://gutenberg.pglaf.org/2/0/0/2000/2000-0.txt",
                "https://www.gutenberg.org/cache/epub/2000/pg2000.txt",
            ),
            sha256="68f98669ba6797dbeccfdb76ff32846d2933a6f39ba6ed88b5f31db799625de5",
            size=2_226_045,
            licence="dominio público",
            citation="Miguel de Cervantes Saavedra, El ingenioso hidalgo don Quijote de la "
            "Mancha (1605 y 1615). Project Gutenberg, n.º 2000.",
            source="https://www.gutenberg.org/ebooks/2000",
            reader=readers.gutenberg,
            sample="relato",
        ),
        Dataset(
            name="novelas",
            title="97 novelas españolas (1840-1920)",
            path="texto_es/novelas_eltec_es.txt",
            urls=(),
            sha256="a804e3c86ed9222164c473327d4d1225946f3442ea8ac5f0326dbb6e6e90174c",
            size=50_631_618,
            licence="dominio público; marcado CC BY 4.0",
            citation="Borja Navarro Colorado (ed.), ELTeC-spa: Spanish Novel Corpus, "
            "COST Action «Distant Reading for European Literary History».",
            source="https://github.com/COST-ELTeC/ELTeC-spa",
            reader=readers.lines,
            parts=_parts("novelas", _ELTEC_FILES),
            build=builders.novels,
            sample="relato",
        ),
        *_IMDB,
        *_AG_NEWS,
        *_CONSTITUCION,
        *_SIMILARITY,
        *_GLOVE,
    )
}
