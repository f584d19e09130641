"""El experimento «relleno» y sus figuras: quién lee el relleno, y quién no."""

import matplotlib.pyplot as plt
import pytest
import torch

from coursekit.classification import Examples, RecurrentClassifier
from coursekit.experiments import padding
from coursekit.experiments.runner import Run
from coursekit.plots.batches import padded_tensor, padding_by_strategy
from coursekit.training import seed_everything


@pytest.fixture
def net_and_texts():
    generator = seed_everything(0)
    ids = [torch.randint(2, 20, (size,), generator=generator) for size in (7, 2, 5, 1, 9, 3)]
    model = RecurrentClassifier(20, 3, "gru", 4, 5, 1, bidirectional=False, dropout=0)
    return model, Examples(ids, torch.zeros(6, dtype=torch.long)), generator


@pytest.mark.parametrize("strategy", padding.STRATEGIES)
def test_who_reads_well_answers_the_same_with_any_batch(net_and_texts, strategy, monkeypatch):
    monkeypatch.setattr(padding, "BATCH_SIZE", 3)
    model, texts, generator = net_and_texts
    alone = torch.cat([model(ids[None], torch.tensor([len(ids)])) for ids in texts.ids])
    good, bad = (padding.answers(model, texts, strategy, bad, generator) for bad in (False, True))
    assert torch.allclose(good, alone, atol=1e-6)
    assert torch.allclose(bad, alone, atol=1e-4) == (strategy == "de uno en uno")


def test_the_rectangle_is_as_wide_as_the_longest_text(net_and_texts, monkeypatch):
    monkeypatch.setattr(padding, "BATCH_SIZE", 2)
    _, texts, generator = net_and_texts
    widths = {
        name: [ids.shape[1] for _, ids, _, _ in padding.padded_batches(texts, name, generator)]
        for name in padding.STRATEGIES
    }
    assert widths["todo en un rectángulo"] == [9, 9, 9]
    assert sorted(widths["cubetas"]) == [2, 5, 9] and widths["de uno en uno"] == [7, 2, 5, 1, 9, 3]


def test_packing_and_turning_give_the_same():
    figures = [
        padding.measure(Run(way, {"kind": "empaquetar", "way": way, "num_steps": 8}, 0), True)
        for way in ("empaquetar", "dar la vuelta")
    ]
    for name in ("outputs", "gradients"):
        assert figures[0][name] == pytest.approx(figures[1][name], abs=0.2)


def test_figures_color_the_padding():
    ax = padded_tensor([[5, 6, 1], [7, 8, 9]], [2, 3], num_features=2)
    assert [text.get_text() for text in ax.texts[:6]] == ["5", "6", "1", "7", "8", "9"]
    assert len(ax.patches) == 2 * 3 * 3 * 2
    figure = padding_by_strategy({"uno": [[3, 5]], "dos": [[3], [5]]})
    padded = [[bar.get_width() for bar in ax.patches] for ax in figure.axes]
    assert padded == [[5, 5, 3, 5], [3, 5, 3, 5]]
    plt.close("all")
