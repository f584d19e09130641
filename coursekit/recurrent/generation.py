"""Escribir con un modelo de lenguaje: un símbolo por paso, con el estado arrastrado."""

import torch
import torch.nn.functional as F

from coursekit.errors import CourseError
from coursekit.recurrent.language_model import LanguageModel
from coursekit.training import evaluating


def generate(
    model: LanguageModel,
    prefix: str | list[str],
    num_symbols: int,
    vocab,
    temperature: float = 0.0,
    top_k: int | None = None,
    generator: torch.Generator | None = None,
    top_p: float | None = None,
) -> str | list[str]:
    """El prefijo seguido de `num_symbols` símbolos que escribe el modelo.

    Si el prefijo es una lista de palabras, también lo que vuelve. Los demás argumentos,
    `temperature`, `top_k`, `generator` y `top_p`: véase `choose_symbol`.

    Raises:
        CourseError: si el prefijo está vacío o tiene un símbolo desconocido.
    """
    check_prefix(prefix, vocab)
    ids, device = vocab(list(prefix)), next(model.parameters()).device
    with evaluating(model):
        # Calentamiento: lee el prefijo.
        logits, state = model(torch.tensor([ids], device=device))
        for _ in range(num_symbols):
            scores = logits[0, -1]
            ids.append(choose_symbol(scores, temperature, top_k, generator, top_p))
            # Todo lo anterior está en el estado: basta leer el símbolo nuevo.
            logits, state = model(torch.tensor([ids[-1:]], device=device), state)
    tokens = vocab.lookup_tokens(ids)
    return "".join(tokens) if isinstance(prefix, str) else tokens


def choose_symbol(
    logits: torch.Tensor,
    temperature: float = 0.0,
    top_k: int | None = None,
    generator: torch.Generator | None = None,
    top_p: float | None = None,
) -> int:
    """El índice de un símbolo: el más probable o uno al azar, p = softmax(logits / T).

    Args:
        logits: (vocab_size,).
        temperature: T; con 0, el más probable (generación voraz).
        top_k: si se da, solo compiten los k símbolos más probables.
        generator: fuente de azar, para poder repetir el resultado; puede ser de la CPU
            aunque la red esté en una GPU.
        top_p: si se da, de los que compiten quedan los más probables, los menos que
            sumen al menos p; el que cruza el umbral entra (muestreo del núcleo).
    Raises:
        CourseError: si algún ajuste no es posible o hay logits que no son números.

    Source: Holtzman et al. (2020), «The Curious Case of Neural Text Degeneration».
    """
    check_choice(logits, temperature, top_k, top_p)
    if temperature == 0:
        return logits.argmax().item()
    if generator is not None:
        logits = logits.to(generator.device)
    values, symbols = logits.topk(min(top_k or len(logits), len(logits)))
    # Restar el máximo no cambia la softmax y evita desbordes cuando T es casi 0.
    probs = F.softmax((values - values[0]).double() / temperature, dim=0)
    if top_p is not None:
        # Entra quien tiene por delante menos de p: también el que cruza el umbral.
        probs = torch.where(probs.cumsum(0) - probs < top_p, probs, 0)
    return symbols[torch.multinomial(probs, 1, generator=generator)].item()


def check_choice(logits, temperature, top_k, top_p) -> None:
    """Comprueba los argumentos de `choose_symbol`.

    Raises:
        CourseError: si algún ajuste no es posible o hay logits que no son números.
    """
    if not temperature >= 0 or (top_k is not None and top_k < 1):
        raise CourseError(
            f"temperature={temperature} y top_k={top_k}: la temperatura no puede ser "
            "negativa y top_k, si se da, debe ser al menos 1."
        )
    if top_p is not None and not 0 < top_p <= 1:
        raise CourseError(
            f"top_p={top_p} es la probabilidad que deben sumar los símbolos que "
            "compiten: tiene que ser mayor que 0 y, como mucho, 1."
        )
    if not logits.max().isfinite():
        raise CourseError(
            f"El logit mayor es {logits.max().item()} y no hay qué elegir: la red dejó "
            "de dar números; ¿explotó el entrenamiento?"
        )


def check_prefix(prefix: str | list[str], vocab) -> None:
    """Comprueba que el modelo puede leer el prefijo.

    Raises:
        CourseError: si está vacío o tiene símbolos que no están en el vocabulario.
    """
    if not prefix:
        raise CourseError(
            "El prefijo está vacío: el modelo necesita leer al menos un símbolo."
        )
    for symbol in prefix:
        if symbol not in vocab:
            raise CourseError(
                f"El símbolo «{symbol}» del prefijo no está en el vocabulario: escribe "
                "solo símbolos del texto de entrenamiento (¿quizá una mayúscula?)."
            )
