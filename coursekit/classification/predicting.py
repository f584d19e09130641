"""Un clasificador entero, de texto a clase: predecir, medir, guardar y volver a abrir.

Clasificador es aquí cualquier objeto con `labels`, los nombres de sus clases, y un
método

    log_probs(texts) -> (textos, clases)

que da el logaritmo natural de la probabilidad de cada clase. Lo son `TextClassifier`,
sobre una red, y `TfidfClassifier`, sobre una regresión logística.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

from coursekit.classification.examples import PAD, UNK, TextReader, label_ids
from coursekit.classification.fitting import Evaluation, score
from coursekit.classification.models import (
    BagOfEmbeddings,
    RecurrentClassifier,
    VanillaRNN,
)
from coursekit.data import Corpus
from coursekit.errors import CourseError
from coursekit.files import write_whole
from coursekit.text import Vocab, collate_padded
from coursekit.training import evaluating

MODELS = {kind.saved_as: kind for kind in (VanillaRNN, RecurrentClassifier, BagOfEmbeddings)}
WEIGHTS, SETTINGS = "model.safetensors", "classifier.json"


class TextClassifier:
    """Una red y el lector de sus textos.

    Args:
        model: una red de este cuarto, con tantas filas de *embedding* como tokens tiene
            el vocabulario y tantas salidas como clases.
        reader: quien vuelve índices los textos.
    """

    def __init__(self, model: nn.Module, reader: TextReader):
        check_sizes(model, reader)
        self.model, self.reader, self.labels = model, reader, reader.labels

    def log_probs(self, texts: list[str], batch_size: int = 64) -> np.ndarray:
        """Los logaritmos de las probabilidades, de forma (textos, clases)."""
        check_texts(texts)
        device = next(self.model.parameters()).device
        rows = [torch.tensor(self.reader.encode(text)) for text in texts]
        # Los de largo parecido, juntos; cada resultado vuelve a su lugar.
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        log_probs = torch.empty(len(rows), len(self.labels))
        with evaluating(self.model):
            for start in range(0, len(rows), batch_size):
                places = order[start : start + batch_size]
                ids, lengths = collate_padded([rows[i] for i in places], PAD)
                logits = self.model(ids.to(device), lengths.to(device))
                log_probs[places] = logits.log_softmax(1).cpu()
        return log_probs.numpy()

    def save(self, folder: str | Path) -> None:
        """Guarda los pesos (safetensors) y el vocabulario y los ajustes (JSON).

        Raises:
            CourseError: si la red no es de las que este curso sabe volver a abrir.
        """
        from safetensors.torch import save

        # El de la propia clase: una red de uno hereda el de otra y calcula otra cosa.
        name = vars(type(self.model)).get("saved_as")
        if name not in MODELS:
            raise CourseError(
                f"La red {type(self.model).__name__} no se puede guardar: las que se "
                f"pueden son {', '.join(MODELS)}."
            )
        settings = {
            "model": name,
            "settings": self.model.settings,
            "tokenizer": self.reader.tokenizer,
            "max_length": self.reader.max_length,
            "ngrams": self.reader.ngrams,
            "labels": list(self.reader.labels),
            "vocab": self.reader.vocab.get_itos(),
        }
        text = json.dumps(settings, ensure_ascii=False, indent=1) + "\n"
        write_whole(Path(folder) / SETTINGS, text)
        write_whole(Path(folder) / WEIGHTS, save(self.model.state_dict()))

    @classmethod
    def load(cls, folder: str | Path) -> "TextClassifier":
        """Abre un clasificador guardado, en modo de evaluación.

        Raises:
            CourseError: si falta un archivo, está dañado o no casa con el otro.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        for name in (SETTINGS, WEIGHTS):
            if not (Path(folder) / name).is_file():
                raise CourseError(f"En {folder} falta {name}, parte del clasificador.")
        try:
            saved = json.loads((Path(folder) / SETTINGS).read_text("utf-8"))
            reader = TextReader(
                saved["tokenizer"],
                Vocab(saved["vocab"], default_index=UNK),
                tuple(saved["labels"]),
                saved["max_length"],
                saved["ngrams"],
            )
            model = MODELS[saved["model"]](**saved["settings"])
            model.load_state_dict(load_file(Path(folder) / WEIGHTS))
        except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError):
            raise CourseError(
                f"El clasificador de {folder} está dañado, o {SETTINGS} y {WEIGHTS} "
                "no son de la misma red: guárdalo otra vez."
            ) from None
        model.eval()
        return cls(model, reader)


def predict(classifier, text: str) -> dict[str, float]:
    """La probabilidad de cada clase para un texto, de la más a la menos probable."""
    probs = np.exp(classifier.log_probs([text])[0])
    order = np.argsort(-probs, kind="stable")
    return {classifier.labels[i]: float(probs[i]) for i in order}


def predict_topic(classifier, text: str) -> str:
    """La clase más probable de un texto."""
    return next(iter(predict(classifier, text)))


def predict_sentiment(classifier, text: str) -> float:
    """La probabilidad de que una reseña sea positiva (clase «pos»).

    Raises:
        CourseError: si el clasificador no tiene esa clase.
    """
    if "pos" not in classifier.labels:
        raise CourseError(
            "predict_sentiment necesita un clasificador con la clase «pos», y las de "
            f"este son {', '.join(classifier.labels)}: usa predict."
        )
    return predict(classifier, text)["pos"]


def evaluate_corpus(classifier, corpus: Corpus) -> Evaluation:
    """Mide un clasificador sobre un corpus con etiquetas.

    Raises:
        CourseError: si el corpus está vacío o tiene una etiqueta desconocida.
    """
    labels = label_ids(corpus, classifier.labels)
    return score(classifier.log_probs(corpus.documents), labels.numpy())


def check_texts(texts: list[str]) -> None:
    """Comprueba que lleguen varios textos, y no uno suelto.

    Raises:
        CourseError: si es una cadena o una lista vacía.
    """
    if isinstance(texts, str) or len(texts) == 0:
        raise CourseError(
            f"Se esperaba una lista de textos y llegó {texts!r:.40}: para uno solo "
            "usa predict(classifier, text)."
        )


def check_fitted(classifier, texts: list[str]) -> None:
    """Comprueba que un clasificador haya aprendido y que le lleguen varios textos.

    Raises:
        CourseError: si no ha aprendido o no llega una lista de textos.
    """
    if not hasattr(classifier, "labels"):
        raise CourseError("El clasificador no ha aprendido: llama antes a fit.")
    check_texts(texts)


def check_sizes(model: nn.Module, reader: TextReader) -> None:
    """Comprueba que la red y el lector sean el uno para el otro.

    Raises:
        CourseError: si no coinciden el vocabulario o las clases.
    """
    found = len(model.embedding.weight), model.output_layer.out_features
    expected = len(reader.vocab), len(reader.labels)
    if found != expected:
        raise CourseError(
            f"La red es para {found[0]} tokens y {found[1]} clases, y el lector tiene "
            f"{expected[0]} tokens y {expected[1]} clases: no van juntos."
        )
