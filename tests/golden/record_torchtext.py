"""Compara coursekit.text con el torchtext verdadero y graba sus resultados.

    python tests/golden/record_torchtext.py [CARPETA]

torchtext está archivado y solo vive junto a torch 2.3.1, así que la orden hace un entorno aparte
en CARPETA (unos 5 GB; sin CARPETA, uno temporal que se borra al final), corre en él 20 000 textos
y 2000 vocabularios al azar por las dos bibliotecas, y graba en torchtext.json lo que torchtext
responde a una parte de ellos y a los casos difíciles. Tarda unos diez minutos. Las pruebas
corrientes repiten esos casos sin torchtext.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

GOLDEN = Path(__file__).with_name("torchtext.json")
ROOT = Path(__file__).parents[2]
COMPARED_TEXTS, COMPARED_VOCABS = 20_000, 2_000
RECORDED_TEXTS, RECORDED_VOCABS = 300, 100

HARD_TEXTS = [
    "",
    " \t\n",
    "You can now install TorchText using pip!",
    "It's a \"quoted\" word, isn't it? (Yes; no: maybe.)",
    "one<br />two<br/>three<BR />four <br  /> five",
    '<b"r />tras quitar las comillas',
    "<br;/>antes del punto y coma",
    "3.14 1.000,50 e.g. U.S.A. ...",
    "¿Qué? ¡Ñandú! —dijo «él»… pingüino",
    "a\u00a0b\u2003c\x1cd\u200be\ufefff",
    "cafe\u0301 İstanbul Straße ΑΣ ǅ",
    "''\"\"''..,,(())!!??;;::",
    "a\x00b",
    "<unk> <pad> don`t don’t",
]
SENTENCES = [["de", "la", "de"], ["mar", "la", "año"], [], ["de", "ñu", "", "mar"]]
HARD_VOCABS = [
    {"build": {}, "steps": []},
    {"build": {"min_freq": 2}, "steps": []},
    {"build": {"max_tokens": 2}, "steps": []},
    {"build": {"max_tokens": 3, "specials": ["de"]}, "steps": []},
    {"build": {"max_tokens": 1, "min_freq": 9}, "steps": []},
    {"build": {"max_tokens": 1, "specials": ["<unk>"]}, "steps": []},
    {"build": {"specials": ["<unk>", "<unk>"]}, "steps": []},
    {"build": {"specials": ["la", "<pad>"], "special_first": False, "min_freq": 2}, "steps": []},
    {
        "build": {"specials": ["<unk>"]},
        "steps": [
            ["__getitem__", "zzz"],
            ["get_default_index"],
            ["set_default_index", 0],
            ["__getitem__", "zzz"],
            ["__call__", ["zzz", "de", ""]],
            ["set_default_index", 99],
            ["forward", ["zzz", "de"]],
            ["set_default_index", -1],
            ["lookup_indices", ["zzz"]],
            ["set_default_index", None],
            ["lookup_indices", ["de", "zzz"]],
            ["set_default_index", "<unk>"],
            ["__getitem__", 3],
            ["__getitem__", None],
            ["__call__", "de"],
            ["append_token", 3],
            ["append_token", "de"],
            ["append_token", "nuevo"],
            ["insert_token", "de", 0],
            ["insert_token", "otro", -1],
            ["insert_token", "otro", 99],
            ["insert_token", "otro", 7],
            ["insert_token", "primero", 0],
            ["lookup_token", -1],
            ["lookup_token", 99],
            ["lookup_token", 0],
            ["lookup_tokens", [0, 1, 99]],
            ["lookup_tokens", []],
            ["lookup_indices", []],
            ["__contains__", "zzz"],
            ["__contains__", "primero"],
        ],
    },
]


def random_text(rng: random.Random) -> str:
    pieces = list("abcXYZñáÑÜ¿¡—…’0123 '\".,()!?;:<>/\t\n\u00a0\u0301İ") + ["<br />", "br", "  "]
    return "".join(rng.choices(pieces, k=rng.randrange(60)))


def random_vocab(rng: random.Random) -> dict:
    """Un vocabulario y una serie de llamadas a sus métodos."""
    words = ["".join(rng.choices("abñé¿", k=rng.randint(1, 3))) for _ in range(12)] + ["<unk>"]
    build = {"min_freq": rng.randrange(4), "special_first": rng.random() < 0.5}
    if rng.random() < 0.7:
        build["specials"] = rng.choices(words + ["<pad>", "<unk>"], k=rng.randrange(4))
    if rng.random() < 0.5:
        build["max_tokens"] = rng.randrange(12)
    known, index = lambda: rng.choice(words + ["zzz"]), lambda: rng.randrange(-1, 12)
    calls = {
        "__contains__": lambda: [known()],
        "__getitem__": lambda: [known()],
        "__call__": lambda: [rng.choices(words, k=rng.randrange(4))],
        "set_default_index": lambda: [rng.choice([None, index()])],
        "get_default_index": lambda: [],
        "append_token": lambda: [known()],
        "insert_token": lambda: [known(), index()],
        "lookup_token": lambda: [index()],
        "lookup_tokens": lambda: [[index() for _ in range(rng.randrange(3))]],
    }
    names = rng.choices(list(calls), k=8)
    return {
        "sentences": [rng.choices(words, k=rng.randrange(8)) for _ in range(rng.randrange(5))],
        "build": build,
        "steps": [[name, *calls[name]()] for name in names],
    }


def replay(case: dict, build_vocab_from_iterator) -> list:
    """Construye el vocabulario de un caso y da lo que responde cada llamada, errores incluidos."""
    built = _outcome(build_vocab_from_iterator, case.get("sentences", SENTENCES), **case["build"])
    if isinstance(built, dict):
        return [built]
    results = [_outcome(getattr(built, name), *args) for name, *args in case["steps"]]
    return results + [len(built), built.get_itos(), dict(sorted(built.get_stoi().items()))]


def _outcome(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except (RuntimeError, TypeError) as error:
        # Los errores de coursekit son además ValueError: aquí cuenta el tipo que tienen en común.
        return {"error": "RuntimeError" if isinstance(error, RuntimeError) else "TypeError"}
    except (AssertionError, ValueError):
        return {"error": "max_tokens"}


def compare_and_record() -> int:
    """Corre dentro del entorno con torchtext. Devuelve el número de diferencias."""
    import torchtext

    torchtext.disable_torchtext_deprecation_warning()
    import torch
    from torchtext.data.utils import get_tokenizer
    from torchtext.vocab import build_vocab_from_iterator

    import coursekit.text

    rng = random.Random(2024)
    texts = HARD_TEXTS + [random_text(rng) for _ in range(COMPARED_TEXTS)]
    cases = HARD_VOCABS + [random_vocab(rng) for _ in range(COMPARED_VOCABS)]
    tokenizer = get_tokenizer("basic_english")
    tokens = [tokenizer(text) for text in texts]
    results = [replay(case, build_vocab_from_iterator) for case in cases]

    differences = 0
    for text, expected in zip(texts, tokens):
        if coursekit.text.basic_english(text) != expected:
            differences += 1
            print(f"Texto distinto: {text!r}", file=sys.stderr)
    for case, expected in zip(cases, results):
        if replay(case, coursekit.text.build_vocab_from_iterator) != expected:
            differences += 1
            print(f"Vocabulario distinto: {case}", file=sys.stderr)
    print(f"{len(texts)} textos, {len(cases)} vocabularios: {differences} diferencias.")

    num_texts = len(HARD_TEXTS) + RECORDED_TEXTS
    num_cases = len(HARD_VOCABS) + RECORDED_VOCABS
    golden = {
        "versions": {"torchtext": torchtext.__version__, "torch": torch.__version__},
        "texts": list(zip(texts, tokens))[:num_texts],
        "vocabs": [{**c, "results": r} for c, r in zip(cases, results)][:num_cases],
    }
    GOLDEN.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    print(f"Grabado: {GOLDEN.name}, {GOLDEN.stat().st_size // 1000} kB.")
    return differences


def make_environment(folder: Path) -> Path:
    """Hace en la carpeta un entorno con torchtext, si no está, y devuelve su intérprete."""
    python = folder / "bin" / "python"
    if not python.exists():
        print("Se instala torchtext en un entorno aparte: unos 5 GB y varios minutos.")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"{ROOT}[torchtext]"], check=True)
    return python


def main(arguments: list[str]) -> int:
    if arguments == ["--dentro"]:
        return min(compare_and_record(), 1)
    with tempfile.TemporaryDirectory() as temporary:
        python = make_environment(Path(arguments[0] if arguments else temporary))
        return subprocess.run([python, __file__, "--dentro"]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
