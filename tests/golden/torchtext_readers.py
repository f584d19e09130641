"""Ficheros diminutos para los lectores y los vectores, y lo que hace con ellos torchtext.

    python tests/golden/torchtext_readers.py

corre en el entorno que deja `make torchtext CARPETA` (con torchdata y portalocker, que torchtext
usa y no instala) y graba torchtext_readers.json. Las pruebas repiten los casos sin torchtext.
"""

import hashlib
import io
import json
import tarfile
import tempfile
from importlib import import_module
from pathlib import Path

GOLDEN = Path(__file__).with_name("torchtext_readers.json")

# Los autores guardan las reseñas por bloques de 128 números y, en cada uno, del mayor al menor.
NUMBERS = [127, 2, 0, 255, 130, 128, 12_499, 12_416]
ENDINGS = [
    "\t¿Un tabulador?", ' "Quoted", it\'s.', "<br /><br />Good\x85", " café\xa0", "", " 8/10"
]

AG_NEWS = (
    '"3","Tea prices rise","A ""calm"" market, said nobody."\n'
    '"1","Talks resume ","  Two spaces\\and a backslash."\n'
    '"4","A comet, seen twice","It is #39;bright#39;."\n'
    '"2","",""\n'
)

VECTORS = {
    "plain.txt": "the 0.1 -2e-3 3\nthe 4 5 6\n\xa0 7 8 9\nÑandú 0.25 1e10 -0\n",
    "header.vec": "2 3\nsea 1 2 3\nsun 0.333333333333333 1 -1 \n",
    "uneven.txt": "sea 1 2 3\nsun 1 2\n",
    "blank.txt": "sea 1 2 3\n\nsun 1 2 3\n",
    "words.txt": "sea uno dos tres\n",
}
CALLS = [
    ["the", False],
    [["the", "zzz", "ÑANDÚ", "\xa0"], False],
    [["The", "zzz", "ñandú", "Ñandú"], True],
]


def imdb_reviews(split: str, label: str) -> list[tuple[int, str]]:
    """Número y texto de las reseñas de una carpeta, en el orden del archivo."""
    texts = [f"{split} {label} {number}{ENDINGS[number % 6]}" for number in NUMBERS]
    return list(zip(NUMBERS, texts))


def imdb_archive() -> bytes:
    """Un aclImdb_v1.tar.gz con las carpetas del verdadero, en su orden."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:

        def add(name: str, text: str) -> None:
            member = tarfile.TarInfo(name)
            raw = text.encode()
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))

        add("aclImdb/imdbEr.txt", "1.0\n")
        for split in ("test", "train"):
            for label in ("neg", "pos", "unsup")[: 3 if split == "train" else 2]:
                add(f"aclImdb/{split}/urls_{label}.txt", "http://example.org\n")
                for number, text in imdb_reviews(split, label):
                    add(f"aclImdb/{split}/{label}/{number}_{number % 10}.txt", text)
    return buffer.getvalue()


def write_vectors(folder: Path) -> None:
    for name, text in VECTORS.items():
        (folder / name).write_text(text, "utf-8")


def vectors_case(vectors_class, folder: Path, name: str, max_vectors: int | None):
    """Lo que contienen y responden los vectores de un fichero, o el tipo de su error."""
    try:
        vectors = vectors_class(str(folder / name), cache=folder / "cache", max_vectors=max_vectors)
    except RuntimeError:
        return "RuntimeError"
    except ValueError:
        return "ValueError"
    return {
        "itos": vectors.itos,
        "stoi": vectors.stoi,
        "vectors": vectors.vectors.tolist(),
        "dim": vectors.dim,
        "len": len(vectors),
        "contains": ["the" in vectors, "zzz" in vectors],
        "lookups": [vectors.get_vecs_by_tokens(*call).tolist() for call in CALLS],
        "unknown": vectors["zzz"].tolist(),
    }


def record() -> None:
    import torchtext

    torchtext.disable_torchtext_deprecation_warning()
    import torch
    from torchtext.vocab import Vectors

    imdb, ag_news = (import_module(f"torchtext.datasets.{name}") for name in ("imdb", "ag_news"))
    golden = {"versions": {"torchtext": torchtext.__version__, "torch": torch.__version__}}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        (root / "datasets/IMDB").mkdir(parents=True)
        (root / "datasets/AG_NEWS").mkdir()
        archive = imdb_archive()
        (root / "datasets/IMDB/aclImdb_v1.tar.gz").write_bytes(archive)
        imdb.MD5 = hashlib.md5(archive).hexdigest()
        for split in ("train", "test"):
            (root / f"datasets/AG_NEWS/{split}.csv").write_text(AG_NEWS, "utf-8")
            ag_news.MD5[split] = hashlib.md5(AG_NEWS.encode()).hexdigest()
            golden[f"imdb_{split}"] = list(imdb.IMDB(root=temporary, split=split))
            golden[f"ag_news_{split}"] = list(ag_news.AG_NEWS(root=temporary, split=split))
        write_vectors(root)
        golden["vectors"] = [
            [name, size, vectors_case(Vectors, root, name, size)]
            for name in VECTORS
            for size in (None, 2, 99)
        ]
        golden["custom"] = Vectors(
            str(root / "plain.txt"), cache=root / "other", unk_init=lambda vector: vector.fill_(0.5)
        )["zzz"].tolist()
    GOLDEN.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(f"Grabado: {GOLDEN.name}")


if __name__ == "__main__":
    record()
