"""La vara con que se mide toda red: TF-IDF y regresión logística, de scikit-learn."""

import numpy as np

from coursekit.classification.examples import class_names, find_tokenizer, label_ids
from coursekit.classification.predicting import check_fitted
from coursekit.data import Corpus
from coursekit.errors import CourseError


class TfidfClassifier:
    """Regresión logística sobre palabras, o palabras y parejas, ponderadas con TF-IDF.

    Args:
        tokenizer: `"basic_english"` o `"spanish"`.
        min_freq: textos en que aparece una palabra o pareja para contar.
        C: inverso de la fuerza de la regularización.
        ngrams: con 1, solo palabras; con 2, también las parejas de palabras seguidas.
    """

    def __init__(
        self,
        tokenizer: str = "basic_english",
        min_freq: int = 2,
        C: float = 10.0,
        ngrams: int = 2,
    ):
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        self.vectorizer = TfidfVectorizer(
            tokenizer=find_tokenizer(tokenizer), token_pattern=None, lowercase=False,
            ngram_range=(1, ngrams), min_df=min_freq, sublinear_tf=True,
        )  # fmt: skip
        self.regression = LogisticRegression(C=C, max_iter=1000)

    def fit(self, corpus: Corpus) -> "TfidfClassifier":
        """Aprende de un corpus de entrenamiento.

        Raises:
            CourseError: si está vacío, le faltan etiquetas o tiene una sola clase.
        """
        self.labels = class_names(corpus)
        try:
            X = self.vectorizer.fit_transform(corpus.documents)
        except CourseError:  # también es un ValueError
            raise
        except ValueError:  # ninguna palabra llega a min_freq
            raise CourseError(
                f"Ninguna palabra aparece en {self.vectorizer.min_df} textos: usa más "
                "textos o un min_freq menor."
            ) from None
        self.regression.fit(X, label_ids(corpus, self.labels).numpy())
        return self

    def log_probs(self, texts: list[str]) -> np.ndarray:
        """Los logaritmos de las probabilidades, de forma (textos, clases).

        Raises:
            CourseError: si no ha aprendido o no llega una lista de textos.
        """
        check_fitted(self, texts)
        return self.regression.predict_log_proba(self.vectorizer.transform(texts))
