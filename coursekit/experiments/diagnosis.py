"""Por qué no aprende: una red, un cambio cada vez; leer el relleno, según los pasos; y un NaN buscado."""

import math
import time
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from coursekit import data
from coursekit.classification import TextReader, VanillaRNN, evaluate, make_loader, split_corpus
from coursekit.classification.examples import UNK, collate
from coursekit.classification.models import pool
from coursekit.experiments.padding import BATCH_SIZE, padded_batches
from coursekit.experiments.runner import Experiment, Run
from coursekit.recurrent import read_padded
from coursekit.training import clip_gradients, evaluating, seed_everything

NUM_TOKENS, MIN_FREQ = 128, 10
NUM_VALIDATION = 2000  # reseñas con que se mira, siempre las mismas
END = 16  # tokens del final que se dejan a la vista
SHORT_TEXTS = 128  # dos lotes


class ReadsPadding(VanillaRNN):
    """La `Vanilla_RNN` del material: decide con lo que queda tras leer también el relleno."""

    def __init__(self, vocab_size, num_classes, **sizes):
        super().__init__(vocab_size, num_classes, **sizes)
        # En el material, el vector del relleno es uno más: empieza al azar y se entrena.
        nn.init.normal_(self.embedding.weight.data[self.embedding.padding_idx])
        self.embedding.padding_idx = None

    def forward(self, ids, lengths):
        X = self.embedding(ids).transpose(0, 1)
        _, last = self.rnn(X)
        return self.output_layer(last[0])


class ReadsMean(VanillaRNN):
    """Decide con la media de los estados de los tokens verdaderos."""

    def forward(self, ids, lengths):
        X = self.embedding(ids).transpose(0, 1)
        H = read_padded(self.rnn, X, lengths)
        return self.output_layer(pool(H, lengths, "mean"))


READINGS = {"relleno": ReadsPadding, "último": VanillaRNN, "media": ReadsMean}


def imdb(num_train, max_length):
    """El lector y los ejemplos de entrenamiento y de validación, del reparto 70/30 de semilla 0."""
    parts = split_corpus(data.load("imdb_train"), torch.Generator().manual_seed(0), 0.3)
    train, held_out = (
        replace(part, documents=part.documents[:size], labels=part.labels[:size])
        for part, size in zip(parts, (num_train, NUM_VALIDATION))
    )
    reader = TextReader.from_corpus(train, min_freq=MIN_FREQ, max_length=max_length)
    return reader, reader.examples(train), reader.examples(held_out)


def random_batches(examples, generator):
    """Lotes al azar, sin juntar los largos parecidos: cada texto carga con el largo del mayor."""
    return (batch for _, *batch in padded_batches(examples, "lotes al azar", generator))


def update(model, optimizer, batch, clip):
    """Un paso de gradiente. Devuelve la pérdida, los aciertos y la norma del gradiente."""
    ids, lengths, labels = batch
    logits = model(ids, lengths)
    loss = F.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    norm = clip_gradients(model, clip).item()
    optimizer.step()
    return loss.item(), (logits.argmax(1) == labels).sum().item(), norm


def cover(ids, lengths, last):
    """Los mismos índices, con <unk> en todo menos los últimos `last` tokens de cada texto."""
    hidden = torch.arange(ids.shape[1]) < lengths[:, None] - last
    return ids.masked_fill(hidden, UNK)


def gradient_shares(model, batch):
    """Qué parte del gradiente llega al vector de cada token; suma 1.

    Args:
        batch: un lote (ids, lengths, labels) de textos de igual largo, sin relleno.
    """
    ids, lengths, labels = batch
    kept = []
    watch = model.embedding.register_forward_hook(lambda *read: kept.append(read[-1]))
    loss = F.cross_entropy(model(ids, lengths), labels)
    watch.remove()
    (G,) = torch.autograd.grad(loss, kept)  # (lote, pasos, embed_size)
    norms = G.norm(dim=2).mean(0)
    return norms / norms.sum()


def longest_texts(examples, num_texts=64):
    """Un lote sin relleno: textos del largo mayor."""
    longest = max(examples.lengths)
    rows = [i for i, length in enumerate(examples.lengths) if length == longest]
    return collate([examples[i] for i in rows[:num_texts]])


def looks(model, train, waiting):
    """Respuestas que no cambian al ver solo el final, y parte del gradiente que va a ese final."""
    same = []
    with evaluating(model):
        for ids, lengths, _ in waiting:
            seen = model(ids, lengths).argmax(1)
            same.append(seen == model(cover(ids, lengths, END), lengths).argmax(1))
    end_share = gradient_shares(model, longest_texts(train))[-END:].sum().item()
    return {"same": torch.cat(same).float().mean().item(), "end_share": end_share}


def train_reviews(
    run: Run, short: bool, *, reading, lr, clip, num_train, num_epochs, look=False
):  # fmt: skip
    """Una red sobre reseñas cortadas: por época, pérdida y exactitudes.

    Args:
        reading: qué estado decide, de `READINGS`.
        clip: norma máxima del gradiente; 0 es sin recorte.
        look: si se mira además con qué parte del texto decide.
    """
    num_train, num_epochs = (SHORT_TEXTS, 1) if short else (num_train, num_epochs)
    reader, train, held_out = imdb(num_train, NUM_TOKENS)
    generator = seed_everything(run.seed)
    model = READINGS[reading](len(reader.vocab), 2)
    optimizer = torch.optim.Adam(model.parameters(), lr)
    batches, waiting = make_loader(train, BATCH_SIZE, generator), make_loader(held_out, 256)
    figures = {"loss": [], "accuracy": [], "valid": [], "norm": []}
    start = time.process_time()
    for _ in range(num_epochs):
        seen = [(len(batch[2]), *update(model, optimizer, batch, clip or math.inf)) for batch in batches]
        sizes, losses, right, norms = zip(*seen)
        figures["loss"].append(sum(n * loss for n, loss in zip(sizes, losses)) / len(train))
        figures["accuracy"].append(sum(right) / len(train))
        figures["norm"].append(max(norms))
        figures["valid"].append(evaluate(model, waiting).accuracy)
    seconds = round(time.process_time() - start, 1)
    if look:
        figures |= looks(model, train, waiting)
    return figures | {"updates": num_epochs * len(batches), "train_cpu_seconds": seconds}


class NewsLSTM(nn.Module):
    """La LSTM del material de AG News: *embedding* de 32, estado de 64, y el último estado."""

    def __init__(self, vocab_size, reads_padding):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, 32)
        self.rnn = nn.LSTM(32, 64)
        self.output_layer = nn.Linear(64, 4)
        self.reads_padding = reads_padding

    def forward(self, ids, lengths):
        H, _ = self.rnn(self.embedding(ids).transpose(0, 1))  # (pasos, lote, 64)
        last = H[-1] if self.reads_padding else H[lengths - 1, torch.arange(len(lengths))]
        return self.output_layer(last)


def train_news(run: Run, short: bool, *, reads_padding, num_epochs):
    """La LSTM de noticias, con lotes al azar: exactitud de validación tras cada época."""
    parts = split_corpus(data.load("ag_news_20k"), torch.Generator().manual_seed(0), 0.1)
    if short:
        num_epochs = 1
        parts = [
            replace(part, documents=part.documents[:SHORT_TEXTS], labels=part.labels[:SHORT_TEXTS])
            for part in parts
        ]
    reader = TextReader.from_corpus(parts[0], min_freq=MIN_FREQ)
    train, held_out = map(reader.examples, parts)
    generator = seed_everything(run.seed)
    model = NewsLSTM(len(reader.vocab), reads_padding)
    optimizer = torch.optim.Adam(model.parameters(), 0.003)
    figures, tokens = {"loss": [], "valid": []}, []
    start = time.process_time()
    for _ in range(num_epochs):
        total = 0.0
        for batch in random_batches(train, generator):
            total += len(batch[2]) * update(model, optimizer, batch, 1.0)[0]
            tokens.append(batch[0].numel())
        figures["loss"].append(total / len(train))
        with evaluating(model):
            same = torch.Generator().manual_seed(0)
            right = sum(
                (model(ids, lengths).argmax(1) == labels).sum().item()
                for ids, lengths, labels in random_batches(held_out, same)
            )
        figures["valid"].append(right / len(held_out))
    return figures | {
        "updates_per_epoch": len(tokens) // num_epochs,
        "padding": 1 - num_epochs * sum(train.lengths) / sum(tokens),
        "train_cpu_seconds": round(time.process_time() - start, 1),
    }


def hunt_nan(run: Run, short: bool, *, longest_first, num_epochs, clip=0):
    """El entrenamiento del material, entero: reseñas sin cortar, tasa 0.03 y, salvo `clip`, sin recorte.

    Returns:
        Por época, la pérdida media y la mayor norma del gradiente; y `first_not_finite`, el paso en
        que la pérdida o la norma dejan de ser números (0, si no pasa).
    """
    num_train, length = (SHORT_TEXTS, NUM_TOKENS) if short else (17_500, None)
    reader, train, _ = imdb(num_train, length)
    generator = seed_everything(run.seed)
    model = ReadsPadding(len(reader.vocab), 2)
    optimizer = torch.optim.Adam(model.parameters(), 0.03)
    batches = make_loader(train, BATCH_SIZE, generator)
    if longest_first:
        batches = sorted(batches, key=lambda batch: -batch[0].shape[1])
    figures, step = {"loss": [], "norm": [], "first_not_finite": 0}, 0
    start = time.process_time()
    for _ in range(1 if short else num_epochs):
        total, largest = 0.0, 0.0
        for batch in batches:
            loss, _, norm = update(model, optimizer, batch, clip or math.inf)
            step += 1
            if not math.isfinite(loss + norm):
                figures["first_not_finite"] = step
                break
            total, largest = total + len(batch[2]) * loss, max(largest, norm)
        if figures["first_not_finite"]:
            break
        figures["loss"].append(total / len(train))
        figures["norm"].append(largest)
    return figures | {
        "updates": step,
        "longest": max(train.lengths),
        "train_cpu_seconds": round(time.process_time() - start, 1),
    }


TASKS = {"reseñas": train_reviews, "noticias": train_news, "nan": hunt_nan}


def measure(run: Run, short: bool = False) -> dict:
    """Las cifras de una carrera: reseñas con un cambio, noticias con o sin relleno, o el NaN."""
    torch.set_num_threads(1)
    settings = dict(run.settings)
    return TASKS[settings.pop("task")](run, short, **settings)


SMALL = {"task": "reseñas", "num_train": 2000, "num_epochs": 6}
AS_GIVEN = {"reading": "relleno", "lr": 0.03, "clip": 0}
# Cada una, el material con un solo cambio; las dos últimas, dos.
CHANGES = {
    "como en el material": {},
    "tasa 0.001": {"lr": 0.001},
    "recorte 1": {"clip": 1},
    "último token": {"reading": "último"},
    "media": {"reading": "media"},
    "tasa 0.001 y último token": {"lr": 0.001, "reading": "último"},
    "tasa 0.001 y media": {"lr": 0.001, "reading": "media"},
}
WHOLE = {"task": "reseñas", "num_train": 17_500, "num_epochs": 3, "lr": 0.001, "clip": 0}
LOOK = SMALL | {"lr": 0.001, "clip": 0, "num_epochs": 3, "look": True}
NEWS = {"task": "noticias", "num_epochs": 14}
HUNT = {"task": "nan", "num_epochs": 5}

EXPERIMENT = Experiment(
    name="diagnostico",
    title="Por qué no aprende: un cambio cada vez, leer el relleno según los pasos, y un NaN buscado",
    data=("imdb_train", "ag_news_20k"),
    runs=(
        *(Run(name, SMALL | AS_GIVEN | change, seed) for name, change in CHANGES.items()
          for seed in range(3)),
        *(Run(f"noticias, {name}", NEWS | {"reads_padding": reads}, seed)
          for name, reads in (("relleno", True), ("último token", False)) for seed in range(3)),
        *(Run("entero, último token", WHOLE | {"reading": "último"}, seed) for seed in range(3)),
        *(Run(f"mirar, {reading}", LOOK | {"reading": reading}, seed)
          for reading in ("último", "media") for seed in range(3)),
        Run("NaN, largas primero", HUNT | {"longest_first": True}, 0),
        *(Run("NaN, lotes al azar", HUNT | {"longest_first": False}, seed) for seed in range(3)),
        Run("NaN, con recorte 1", HUNT | {"longest_first": False, "clip": 1}, 1),
    ),
    measure=measure,
    module=__name__,
)  # fmt: skip
