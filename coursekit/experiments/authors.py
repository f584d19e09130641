"""De quién es esta novela: quince autores, tres novelas de cada uno, y una de las tres fuera.

De cada novela se toma la misma cantidad de palabras, de su mitad: ni portadas ni notas, que dan el nombre.
En cada ronda espera fuera una novela de cada autor, y así todos enseñan con dos.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np

from coursekit import data
from coursekit.classification import NaiveBayes, TfidfClassifier
from coursekit.data import Corpus
from coursekit.experiments.runner import Experiment, Run

# La primera línea de cada novela, desde 1, y cuántas tiene, en el corpus «novelas».
NOVELS = {
    "Alarcón": {
        "El escándalo": (78041, 2433),
        "El sombrero de tres picos": (80474, 913),
        "El capitán Veneno": (176371, 518),
    },
    "Clarín": {
        "La Regenta": (165697, 6672),
        "Su único hijo": (172369, 1185),
        "Pipá": (200260, 186),
    },
    "Blasco Ibáñez": {
        "Arroz y tartana": (180730, 1506),
        "La barraca": (182236, 1177),
        "Sangre y arena": (245933, 2197),
    },
    "Carmen de Burgos": {
        "Los inadaptados": (215119, 841),
        "El último contrabandista": (221121, 1784),
        "La rampa": (239361, 1766),
    },
    "Fernán Caballero": {
        "Clemencia": (6518, 2828),
        "Lágrimas": (52848, 2425),
        "Un servilón y un liberalito": (83733, 682),
    },
    "Rosalía de Castro": {
        "La hija del mar": (13443, 1202),
        "El caballero de las botas azules": (74989, 2380),
        "El primer loco": (188456, 362),
    },
    "Gómez de Avellaneda": {
        "Sab": (59833, 1062),
        "Dos mujeres": (60895, 1664),
        "La velada del helecho": (62559, 372),
    },
    "Miró": {
        "Las cerezas del cementerio": (208274, 1595),
        "El abuelo del rey": (219191, 1162),
        "El humo dormido": (220353, 768),
    },
    "Ortega y Frías": {
        "Cervantes": (34356, 13297),
        "El duende de la corte": (108109, 10416),
        "Un año entre los salvajes": (118525, 2340),
    },
    "Pardo Bazán": {
        "Los pazos de Ulloa": (173554, 1337),
        "La madre naturaleza": (174891, 1480),
        "Misterio": (235342, 1787),
    },
    "Pereda": {
        "Don Gonzalo González de la Gonzalera": (130052, 2158),
        "Sotileza": (176889, 2385),
        "Peñas arriba": (179274, 1456),
    },
    "Galdós": {
        "Trafalgar": (77369, 672),
        "Marianela": (84415, 1252),
        "Fortunata y Jacinta": (159383, 6314),
    },
    "Unamuno": {
        "Niebla": (209869, 2276),
        "Abel Sánchez": (222905, 1430),
        "Amor y pedagogía": (224335, 1448),
    },
    "Valera": {
        "Doña Luz": (123403, 947),
        "Pepita Jiménez": (124350, 862),
        "Las ilusiones del doctor Faustino": (127845, 2207),
    },
    "Valle-Inclán": {
        "Sonata de estío": (214160, 598),
        "Sonata de otoño": (216917, 888),
        "El resplandor de la hoguera": (217805, 1386),
    },
}
NUM_WORDS, PIECE = 12_000, 1_000  # la más corta, *Pipá*, tiene 13 508
SHORT_PART = 4  # en la carrera corta, cada novela se queda en una cuarta parte
_WORD = re.compile(r"[^\W\d_]+|[.!?…¿¡:;—«»\"]")
_OPENS = frozenset('.!?…¿¡:;—«»"')  # tras estos signos, la mayúscula no dice nada


@dataclass(frozen=True)
class Novel:
    """Una novela y sus palabras centrales, en cada manera de leerlas; una cadena vacía es una borrada."""

    author: str
    title: str
    views: dict[str, list[str]]


@cache
def novels() -> list[Novel]:
    """Las cuarenta y cinco novelas."""
    lines = data.load("novelas").documents
    return [
        read_novel(author, title, lines[first - 1 : first - 1 + length], seed)
        for seed, (author, title, first, length) in enumerate(
            (author, title, *place) for author, titles in NOVELS.items() for title, place in titles.items()
        )
    ]


def read_novel(author: str, title: str, lines: list[str], seed: int) -> Novel:
    """Una novela leída de cuatro maneras; la tercera es el control de la segunda."""
    tokens = [_WORD.findall(line) for line in lines]
    names = proper_names(tokens)
    words = [word.lower() for line in tokens for word in line if word[0].isalpha()]
    start = (len(words) - NUM_WORDS) // 2
    words = words[start : start + NUM_WORDS]
    others = as_frequent(words, names, np.random.default_rng(seed))
    views = {
        "todo": words,
        "sin nombres": ["" if word in names else word for word in words],
        "sin otras tantas": ["" if word in others else word for word in words],
        "solo nombres": [word if word in names else "" for word in words],
    }
    return Novel(author, title, views)


def proper_names(tokens: list[list[str]]) -> set[str]:
    """Las palabras que, dentro de una frase, se escriben con mayúscula tantas veces como sin ella o más."""
    capital, small = Counter(), Counter()
    for line in tokens:
        for before, word in zip([".", *line], line):
            if word[0].islower():
                small[word] += 1
            elif word[0].isupper() and before not in _OPENS:
                capital[word.lower()] += 1
    return {word for word, times in capital.items() if times >= small[word]}


def as_frequent(words: list[str], names: set[str], rng) -> set[str]:
    """Otras palabras, tan frecuentes como los nombres una a una: el control de borrarlos."""
    times = Counter(words)
    by_times: dict[int, list[str]] = {}
    for word in sorted(times):
        if word not in names:
            by_times.setdefault(times[word], []).append(word)
    for group in by_times.values():
        rng.shuffle(group)
    chosen = set()
    for name in sorted(set(times) & names, key=lambda name: (-times[name], name)):
        nearest = min((t for t, group in by_times.items() if group), key=lambda t: abs(t - times[name]))
        chosen.add(by_times[nearest].pop())
    return chosen


def pieces(words: list[str]) -> list[str]:
    """Una novela en trozos de mil palabras, sin las borradas."""
    return [" ".join(filter(None, words[i : i + PIECE])) for i in range(0, len(words), PIECE)]


def measure(run: Run, short: bool = False) -> dict:
    """Tres rondas: en cada una, lo que espera fuera se juzga con lo demás.

    Con `split` «novelas» espera fuera una novela de cada autor; con «trozos», un tercio de los trozos
    de cada novela. En los dos casos se aprende de 24 000 palabras por autor y se juzgan los mismos
    trozos. En la carrera corta cada novela tiene solo sus primeros trozos.
    """
    rng, settings = np.random.default_rng(run.seed), run.settings
    size = NUM_WORDS // SHORT_PART if short else NUM_WORDS
    table = [(novel.author, pieces(novel.views[settings["view"]][:size])) for novel in novels()]
    num_pieces = size // PIECE
    by_author = {name: [i for i, row in enumerate(table) if row[0] == name] for name in NOVELS}
    if settings["split"] == "novelas":
        turns = {name: rng.permutation(3) for name in by_author}
        fold = np.empty((len(table), num_pieces), dtype=int)
        for name, places in by_author.items():
            fold[places] = turns[name][:, None]
    else:
        fold = np.array([rng.permutation(num_pieces) % 3 for _ in table])
    scores = np.empty((len(table), num_pieces, len(NOVELS)))
    chosen = []
    for turn in range(3):
        train = [(author, text, number) for number, (author, texts) in enumerate(table)
                 for text, held_out in zip(texts, fold[number] == turn) if not held_out]  # fmt: skip
        value = choose(settings, train)
        model, keep = learn(settings, value, train)
        for number, (_, texts) in enumerate(table):
            for place in np.flatnonzero(fold[number] == turn):
                scores[number, place] = model.log_probs([only(texts[place], keep)])[0]
        chosen.append(value)
    truth = np.array([model.labels.index(author) for author, _ in table])
    by_novel = scores.sum(axis=1)  # los trozos de una novela, juntos
    own = by_novel[np.arange(len(table)), truth]
    rivals = by_novel.copy()
    rivals[np.arange(len(table)), truth] = -np.inf
    return {
        "novel_accuracy": float((own > rivals.max(axis=1)).mean()),
        "piece_accuracy": float((scores.argmax(axis=2) == truth[:, None]).mean()),
        "right": (own > rivals.max(axis=1)).astype(int).tolist(),
        "right_pieces": (scores.argmax(axis=2) == truth[:, None]).sum(axis=1).tolist(),
        "answer": by_novel.argmax(axis=1).tolist(),
        # Cuánto más probable es el autor verdadero que el mejor de los otros, en nats por palabra.
        "margin": np.round((own - rivals.max(axis=1)) / size, 5).tolist(),
        "chosen": chosen,
    }


def learn(settings: dict, value: float, train: list[tuple]):
    """El clasificador que aprende de unos trozos, y las palabras que mira (todas, si no es ninguna)."""
    keep = None
    if "most_frequent" in settings:
        times = Counter(word for _, text, _ in train for word in text.split())
        keep = {word for word, _ in times.most_common(settings["most_frequent"])}
    corpus = Corpus(
        "autores", "Autores", [only(text, keep) for _, text, _ in train], False, "", [row[0] for row in train]
    )
    if settings["kind"] == "bayes":
        return NaiveBayes("spanish", k=value).fit(corpus), keep
    return TfidfClassifier("spanish", min_freq=2, C=value, ngrams=1).fit(corpus), keep


def choose(settings: dict, train: list[tuple]) -> float:
    """El ajuste que más trozos acierta de una mitad de los textos cuando aprende de la otra.

    Una mitad son las novelas que van primero de cada autor; con «trozos», los trozos pares.
    """
    if settings["split"] == "novelas":
        first = {}
        for author, _, number in train:
            first.setdefault(author, number)
        halves = [number == first[author] for author, _, number in train]
    else:
        halves = [place % 2 == 0 for place in range(len(train))]
    right = dict.fromkeys(CANDIDATES[settings["kind"]], 0)
    for value in right:
        for side in (True, False):
            model, keep = learn(settings, value, [row for row, half in zip(train, halves) if half == side])
            asked = [row for row, half in zip(train, halves) if half != side]
            answers = model.log_probs([only(text, keep) for _, text, _ in asked]).argmax(axis=1)
            right[value] += sum(model.labels[i] == row[0] for i, row in zip(answers, asked))
    return max(right, key=right.get)


def only(text: str, keep: set[str] | None) -> str:
    """Un texto con solo esas palabras; sin lista, el texto entero."""
    return text if keep is None else " ".join(word for word in text.split() if word in keep)


CANDIDATES = {"bayes": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0), "tfidf": (1.0, 10.0, 100.0)}
MODELS = {
    "Bayes, todas las palabras": {"kind": "bayes", "view": "todo"},
    "Bayes, sin nombres": {"kind": "bayes", "view": "sin nombres"},
    "Bayes, sin otras tantas": {"kind": "bayes", "view": "sin otras tantas"},
    "Bayes, solo nombres": {"kind": "bayes", "view": "solo nombres"},
    "Bayes, las 100 más frecuentes": {"kind": "bayes", "view": "sin nombres", "most_frequent": 100},
    "Bayes, las 1000 más frecuentes": {"kind": "bayes", "view": "sin nombres", "most_frequent": 1000},
    "logística, todas las palabras": {"kind": "tfidf", "view": "todo"},
    "logística, sin nombres": {"kind": "tfidf", "view": "sin nombres"},
    "logística, sin otras tantas": {"kind": "tfidf", "view": "sin otras tantas"},
    "logística, las 100 más frecuentes": {"kind": "tfidf", "view": "sin nombres", "most_frequent": 100},
}
BY_PIECES = ("Bayes, todas las palabras", "Bayes, sin nombres", "logística, sin nombres")
EXPERIMENT = Experiment(
    name="autores",
    title="De quién es esta novela: aciertos con la novela entera fuera y con solo unos trozos fuera",
    data=("novelas",),
    runs=(
        *(Run(model, {**settings, "split": "novelas"}, seed)
          for model, settings in MODELS.items() for seed in range(3)),
        *(Run(f"{model}, al azar por trozos", {**MODELS[model], "split": "trozos"}, seed)
          for model in BY_PIECES for seed in range(3)),
    ),
    measure=measure,
    module=__name__,
)  # fmt: skip
