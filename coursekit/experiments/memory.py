"""Cuánto cuesta recordar un signo: letras en medio, épocas y semillas; y lo que gasta BPTT."""

import math
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from coursekit.experiments.runner import Experiment, Run
from coursekit.experiments.window import quijote
from coursekit.recurrent import LanguageModel, RNNScratch, state_gradients
from coursekit.text import build_vocab_from_iterator, streams
from coursekit.training import fit, perplexity_by_stream, seed_everything, train_epoch

SIGNS = build_vocab_from_iterator([["¿", "¡", "?", "!", *"aeilmn"]])
NUM_EPOCHS, EVERY = 150, 5  # épocas que se conceden, y cada cuántas se guarda un punto
ENOUGH, IN_A_ROW = 0.95, 10  # aprendido: así de bien, tantas épocas seguidas
SHORT_EPOCHS, SHORT_LETTERS = 2, 100_000
LETTERS_PER_STEP = 2048  # letras de cada paso de gradiente en el Quijote, se corte donde se corte


def sentences(num_sentences: int, length: int, generator: torch.Generator) -> torch.Tensor:
    """Frases (num_sentences, length + 2): un signo que abre, letras al azar y el signo que cierra."""
    opening, closing, middle = (torch.tensor(SIGNS(list(s))) for s in ("¿¡", "?!", "aeilmn"))
    kind = torch.randint(2, (num_sentences, 1), generator=generator)
    letter = torch.randint(6, (num_sentences, length), generator=generator)
    return torch.cat([opening[kind], middle[letter], closing[kind]], dim=1)


def closes(model: LanguageModel, rows: torch.Tensor) -> float:
    """Proporción de frases en que el signo correcto es el más probable de los dos que cierran."""
    with torch.no_grad():
        scores = model(rows[:, :-1])[0][:, -1, SIGNS(["?", "!"])]
    right = scores.argmax(dim=1) == (rows[:, -1] == SIGNS["!"])
    return right.sum().item() / len(rows)


def train_on_signs(
    run: Run, short: bool, *, cell, length, lr, num_hiddens=16, forget=None, orthogonal=False,
    only_sign=False,
):  # fmt: skip
    """Entrena hasta que cierra bien diez épocas seguidas, o hasta agotarlas.

    Returns:
        `first_epoch`, la primera de esas diez, si las hubo; `accuracy` y `arrives`, cada cinco
        épocas: frases bien cerradas, y el logaritmo decimal de cuánto gradiente de la pérdida del
        signo llega al primer estado por cada unidad del último.
    """
    generator = seed_everything(run.seed)
    train, test = (sentences(count, length, generator) for count in (2000, 1000))
    rnn = getattr(nn, cell)(len(SIGNS), num_hiddens)
    with torch.no_grad():
        if orthogonal:
            nn.init.orthogonal_(rnn.weight_hh_l0)
        if forget is not None:  # PyTorch suma dos sesgos; las columnas van I, F, G, O
            block = slice(num_hiddens, 2 * num_hiddens)
            rnn.bias_ih_l0[block], rnn.bias_hh_l0[block] = forget, 0
    model = LanguageModel(rnn, len(SIGNS))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    glance = test[:100]

    def batches():
        for rows in torch.randperm(len(train), generator=generator).split(100):
            Y = train[rows, 1:]
            if only_sign:
                Y[:, :-1] = -100
            yield train[rows, :-1], Y

    def arrives():
        norms = state_gradients(model, glance[:, :-1], glance[:, 1:], only_last=True)[0]
        return round(math.log10(max(norms[0] / norms[-1], 1e-30)), 3)

    figures = {"accuracy": [closes(model, test)], "arrives": [arrives()]}
    streak, start = 0, time.process_time()
    for epoch in range(1, (SHORT_EPOCHS if short else NUM_EPOCHS) + 1):
        train_epoch(model, batches(), optimizer)
        accuracy = closes(model, test)
        streak = streak + 1 if accuracy >= ENOUGH else 0
        if epoch % EVERY == 0 or short or streak == IN_A_ROW:
            figures["accuracy"].append(accuracy)
            figures["arrives"].append(arrives())
        if streak == IN_A_ROW:
            figures["first_epoch"] = epoch - IN_A_ROW + 1
            break
    return figures | {
        "epochs": epoch,
        "train_cpu_seconds": round(time.process_time() - start, 1),
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def kept_bytes(compute: Callable[[], object], model: nn.Module) -> int:
    """Los bytes que autograd guarda para volver mientras se hace `compute()`, sin los parámetros."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage  # se retiene: así ningún otro ocupa su lugar
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = compute()  # vivo hasta el final, para que no suelte nada antes de contar
    del result
    return sum(storage.nbytes() for storage in kept.values())


def whole_gradient(model, X, Y):
    """BPTT entera: una ida, una vuelta."""
    logits, _ = model(X)
    F.cross_entropy(logits.flatten(0, 1), Y.flatten()).backward()


def truncated_gradient(model, X, Y, every):
    """BPTT truncada: cada trozo hace su ida y su vuelta, y al siguiente solo le pasa el estado."""
    state = None
    for x, y in zip(X.split(every, 1), Y.split(every, 1)):
        logits, state = model(x, state)
        F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum").div(Y.numel()).backward()
        state = state.detach()


def recomputed_gradient(model, X, Y, every):
    """BPTT entera, guardando solo un estado por trozo y repitiendo la ida al volver."""
    state, starts = X.new_zeros(1, len(X), model.rnn.num_hiddens, dtype=torch.float32), []
    chunks = list(zip(X.split(every, 1), Y.split(every, 1)))
    for x, _ in chunks:
        starts.append(state)
        with torch.no_grad():
            _, state = model(x, state)
    arriving = torch.zeros_like(state)  # al último estado no le llega nada de más adelante
    for (x, y), start in zip(reversed(chunks), reversed(starts)):
        start.requires_grad_()
        logits, end = model(x, start)
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum") / Y.numel()
        torch.autograd.backward([loss, end], [None, arriving])
        arriving = start.grad


def spend(run: Run, short: bool, *, method, num_steps):
    """Bytes guardados a la vez, y segundos, de una ida y vuelta con 16 secuencias y 64 unidades."""
    generator = seed_everything(run.seed)
    model = LanguageModel(RNNScratch(len(SIGNS), 64), len(SIGNS))
    num_steps = min(num_steps, 64) if short else num_steps
    ids = torch.randint(len(SIGNS), (16, num_steps + 1), generator=generator)
    X, Y = ids[:, :-1], ids[:, 1:]
    every = {"entera": num_steps, "truncada": 32, "recalculada": math.isqrt(num_steps)}[method]
    compute = {
        "entera": lambda: whole_gradient(model, X, Y),
        "truncada": lambda: truncated_gradient(model, X, Y, every),
        "recalculada": lambda: recomputed_gradient(model, X, Y, every),
    }[method]
    # A la vez vive un trozo; quien recalcula guarda además el estado con que empieza cada uno.
    extra = 4 * 16 * 64 * math.ceil(num_steps / every) if method == "recalculada" else 0
    chunk = X[:, :every], Y[:, :every]
    state = torch.zeros(1, 16, 64, requires_grad=True) if every < num_steps else None

    def one_chunk():
        logits, end = model(chunk[0], state)
        return F.cross_entropy(logits.flatten(0, 1), chunk[1].flatten()), end

    figures = {"kept_bytes": kept_bytes(one_chunk, model) + extra}
    best = math.inf
    for _ in range(1 if short else 5):
        model.zero_grad()
        start = time.process_time()
        compute()
        best = min(best, time.process_time() - start)
    norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm().item()
    return figures | {"gradient_norm": round(norm, 6), "best_cpu_seconds": round(best, 5)}


def read_quijote(run: Run, short: bool, *, num_steps, lr):
    """Una RNN de 128 unidades que lee el libro una vez con el estado arrastrado, cortando el gradiente.

    Los tramos en paralelo son más cuanto más corto es el trozo: así todas dan los mismos pasos de
    gradiente, con las mismas letras cada uno.
    """
    vocab, train_ids, valid_ids, _ = quijote()
    if short:
        train_ids, valid_ids = train_ids[:SHORT_LETTERS], valid_ids[:SHORT_LETTERS]
    seed_everything(run.seed)
    model = LanguageModel(nn.RNN(len(vocab), 128), len(vocab))
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    start = time.process_time()
    fit(
        model, lambda: streams(train_ids, LETTERS_PER_STEP // num_steps, num_steps), optimizer,
        num_epochs=1, carry_state=True, progress=False,
    )  # fmt: skip
    seconds = round(time.process_time() - start, 1)
    bits = math.log2(perplexity_by_stream(model, valid_ids))
    return {"valid_bits": bits, "train_cpu_seconds": seconds}


TASKS = {"signos": train_on_signs, "gasto": spend, "quijote": read_quijote}


def measure(run: Run, short: bool = False) -> dict:
    """Las cifras de una carrera: cerrar signos, lo que gasta BPTT, o leer el Quijote por trozos."""
    torch.set_num_threads(1)
    settings = dict(run.settings)
    return TASKS[settings.pop("task")](run, short, **settings)


LR = 0.01
CELLS = {
    "RNN": {"cell": "RNN", "lr": LR},
    "LSTM, sesgo 0": {"cell": "LSTM", "lr": LR, "forget": 0},
    "LSTM, sesgo 1": {"cell": "LSTM", "lr": LR, "forget": 1},
    "GRU": {"cell": "GRU", "lr": LR},
}
GATED = {name: cell for name, cell in CELLS.items() if name != "RNN"}
# La misma RNN con una sola cosa cambiada.
CHANGED = {
    "RNN, W_hh ortogonal": {"cell": "RNN", "lr": LR, "orthogonal": True},
    "RNN, solo el signo": {"cell": "RNN", "lr": LR, "only_sign": True},
    "RNN, tasa 0.003": {"cell": "RNN", "lr": 0.003},
}


def sign_runs(cells: dict, lengths: tuple[int, ...], num_seeds: int) -> list[Run]:
    """Una carrera por celda, longitud y semilla."""
    return [
        Run(f"{name}, ℓ = {length}", {"task": "signos", "length": length, **settings}, seed)
        for length in lengths
        for name, settings in cells.items()
        for seed in range(num_seeds)
    ]


EXPERIMENT = Experiment(
    name="memoria",
    title="Recordar un signo: épocas que cuesta según las letras en medio; y el gasto de BPTT",
    data=("quijote",),
    runs=(
        *sign_runs({"RNN": CELLS["RNN"]}, (10, 20, 40), 5),
        *sign_runs(GATED, (10, 20, 40), 3),
        *sign_runs(CHANGED, (10, 20, 40), 3),
        *(
            Run(f"BPTT {method}, {num_steps} pasos",
                {"task": "gasto", "method": method, "num_steps": num_steps}, 0)
            for method in ("entera", "truncada", "recalculada")
            for num_steps in (64, 256, 1024)
        ),
        *(
            Run(f"Quijote, trozos de {num_steps}",
                {"task": "quijote", "num_steps": num_steps, "lr": 0.003}, seed)
            for num_steps in (1, 2, 4, 8, 32)
            for seed in range(3)
        ),
        *sign_runs(CELLS, (80,), 3),
    ),
    measure=measure,
    module=__name__,
)
