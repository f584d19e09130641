"""Clasificar textos: sentimiento, tema o lo que digan las etiquetas."""

from coursekit.classification.examples import (
    BucketSampler,
    Examples,
    TextReader,
    collate,
    make_loader,
    split_corpus,
)
from coursekit.classification.fitting import (
    ClassifierHistory,
    Evaluation,
    evaluate,
    train_classifier,
    train_classifier_epoch,
)
from coursekit.classification.models import (
    BagOfEmbeddings,
    RecurrentClassifier,
    VanillaRNN,
    count_parameters,
    fill_embedding,
)
from coursekit.classification.naive_bayes import NaiveBayes, count_words, naive_bayes
from coursekit.classification.predicting import (
    TextClassifier,
    evaluate_corpus,
    predict,
    predict_sentiment,
    predict_topic,
)
from coursekit.classification.tfidf import TfidfClassifier

__all__ = [
    "BagOfEmbeddings",
    "BucketSampler",
    "ClassifierHistory",
    "Evaluation",
    "Examples",
    "NaiveBayes",
    "RecurrentClassifier",
    "TextClassifier",
    "TextReader",
    "TfidfClassifier",
    "VanillaRNN",
    "collate",
    "count_parameters",
    "count_words",
    "evaluate",
    "evaluate_corpus",
    "fill_embedding",
    "make_loader",
    "naive_bayes",
    "predict",
    "predict_sentiment",
    "predict_topic",
    "split_corpus",
    "train_classifier",
    "train_classifier_epoch",
]
