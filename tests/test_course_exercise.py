"""The NYU homework on Rumelhart's network, from its files to damage, with a student's class."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from scipy.cluster.hierarchy import linkage
from torch import nn

import semdev as sd
from semdev import plots
from semdev.damaging import damage
from semdev.plots.representations import representation_bars

RATE = 0.1 * 2 / 36  # theirs is .1 for the mean of 36 squared errors, ours for half of their sum
SEEDS = [0, 1, 2, 3, 4]


class Net(nn.Module):
    """As students hand it in: ReLU below, sigmoid on top, three things returned."""

    def __init__(self, rep_size: int, hidden_size: int) -> None:
        super().__init__()
        self.item_rep = nn.Linear(8, rep_size)
        self.rep_hidden = nn.Linear(rep_size + 4, hidden_size)
        self.hidden_attributes = nn.Linear(hidden_size, 36)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x = x.view(-1, 12)
        rep = torch.relu(self.item_rep(x[:, :8]))
        hidden = torch.relu(self.rep_hidden(torch.cat((rep, x[:, 8:]), dim=1)))
        return torch.sigmoid(self.hidden_attributes(hidden)), hidden, rep


def build() -> Net:
    return Net(rep_size=8, hidden_size=15)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The homework's data, from its four text files."""
    folder = tmp_path_factory.mktemp("homework")
    corpus = sd.load("rumelhart8")
    corpus.to_nyu(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "sem_attributes.txt", "sem_data.txt", "sem_items.txt", "sem_relations.txt",
    ]  # fmt: skip
    read = sd.Dataset.from_nyu(folder, tree=corpus.tree)
    assert read.digest == corpus.digest
    return read


@pytest.fixture(scope="module")
def patterns(world):
    return sd.make_patterns(world, relations=True)


@pytest.fixture(scope="module")
def history(patterns):
    """2500 sweeps in full batches: at this rate the same way as one by one, in less time."""
    return sd.train(
        build, patterns, seeds=SEEDS, learning_rate=RATE, steps=2500, hidden=True,
        record=range(0, 2501, 125), keep_weights=True, dtype="float32", progress=False,
    )  # fmt: skip


SNAPSHOTS = np.array([500, 1000, 2500]) * RATE


# --- learning ------------------------------------------------------------------------------------


@given(st.integers(1, 60), st.integers(1, 5), st.integers(0, 2**31))
def test_a_mean_of_n_squared_errors_has_2_nths_of_our_slope(n, width, seed):
    random = np.random.default_rng(seed)
    targets = torch.tensor(random.integers(0, 2, (1, n)), dtype=torch.float64)
    layer = nn.Linear(width, n).double()
    answer = torch.sigmoid(layer(torch.tensor(random.standard_normal((1, width)))))
    theirs = nn.MSELoss()(answer, targets)
    ours = ((targets - answer) ** 2).sum() / 2
    assert theirs.item() == pytest.approx(2 / n * ours.item())
    slopes = [torch.autograd.grad(loss, layer.weight, retain_graph=True)[0]
              for loss in (theirs, ours)]  # fmt: skip
    np.testing.assert_allclose(slopes[0], 2 / n * slopes[1], atol=1e-12)


def run_homework(patterns, seed, epochs):
    """Train as the homework's own code does, patterns in the data's order; return answers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = build().double()
    inputs, targets = torch.tensor(patterns.inputs), torch.tensor(patterns.targets)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    criterion = nn.MSELoss()
    for _ in range(epochs):
        for k in range(len(inputs)):
            optimizer.zero_grad()
            output, _, _ = net(inputs[k])
            criterion(output, targets[k : k + 1]).backward()
            optimizer.step()
    with torch.no_grad():
        return net(inputs)


@pytest.mark.parametrize("seed", [0, 11])
def test_the_homeworks_own_loop_takes_the_same_steps(patterns, seed):
    options = {"seeds": [seed], "steps": 5, "record": [0, 5], "hidden": True, "progress": False}
    ours = sd.train(build, patterns, learning_rate=RATE, presentation="per pattern", **options)
    output, hidden, rep = run_homework(patterns, seed, epochs=5)
    np.testing.assert_allclose(
        ours["output"][0, -1], patterns.read_back(output.numpy()), atol=1e-12
    )
    np.testing.assert_allclose(ours["hidden_1"][0, -1], rep[::4], atol=1e-12)
    by_context = ours["hidden_2"][0, -1].transpose("item", "context", "unit_2").values
    np.testing.assert_allclose(by_context.reshape(32, 15), hidden, atol=1e-12)
    untranslated = sd.train(
        build, patterns, learning_rate=0.1, presentation="per pattern", **options
    )
    assert np.abs(untranslated["output"].values - ours["output"].values).max() > 0.05


def test_patterns_one_by_one_in_random_order_and_three_snapshots(patterns, history):
    young = sd.train(
        build, patterns, seeds=SEEDS[:3], presentation="interleaved", learning_rate=RATE,
        record=[0, 25, 50, 125], hidden=True, dtype="float32", progress=False,
    )  # fmt: skip
    assert young["step"].values.tolist() == [0, 25, 50, 125]
    np.testing.assert_allclose(young["time"], young["step"] * RATE)
    assert dict(young["hidden_1"].sizes) == {"seed": 3, "time": 4, "item": 8, "unit_1": 8}
    assert young["hidden_2"].dims == ("seed", "time", "context", "item", "unit_2")
    provenance = sd.get_provenance(young)
    assert provenance["presentation"] == "interleaved"
    assert provenance["engine"] == "batched, traced"
    # The order matters little at this rate: all networks go where full batches lead them.
    batch = history.sel(seed=young["seed"]).isel(time=[0, 1])
    then = young.isel(time=[0, 3])
    np.testing.assert_array_equal(then["step"], batch["step"])
    moved = np.abs(batch["output"][:, 1] - batch["output"][:, 0]).mean()
    assert np.abs(then["output"].values - batch["output"].values).mean() < 0.15 * moved


def test_all_but_a_few_cells_are_right_after_2500_epochs(history):
    right = (history["output"] > 0.5) == (history["target"] == 1)
    share = right.mean(["item", "property"]).transpose("seed", "time")
    assert (share.isel(time=-1) > 0.97).all()
    loss = history["loss"].values
    assert (loss[:, -1] < 0.05 * loss[:, 0]).all()


def test_what_more_items_share_is_learned_first(history):
    """Known for good: from then on most of the true cells of such properties are answered yes.

    (Before it has learned anything a network answers .5, and so by chance yes.)
    """
    shared = history["target"].sum("item")
    yes = (history["output"] > 0.5).where(history["target"] == 1)
    unknown = [yes.where(shared == k).mean(["item", "property"]) < 0.5 for k in (8, 4, 2, 1)]
    last = [each.isel(time=slice(None, None, -1)).argmax("time").values for each in unknown]
    since = [np.where(each.any("time"), 21 - k, 0) for each, k in zip(unknown, last, strict=True)]
    assert (since[0] < since[1]).all()
    assert (since[1] < since[2]).all()
    assert (since[2] < since[3]).all()


# --- plots ---------------------------------------------------------------------------------------


def test_bars_are_the_representations_that_the_students_network_returns(history, patterns):
    ax = representation_bars(history, SNAPSHOTS, seed=3)
    heights = []
    for drawn in (each for each in ax.collections if isinstance(each, PolyCollection)):
        corners = np.array([path.vertices[:4] for path in drawn.get_paths()])
        heights.append((corners[:, 0, 1] - corners[:, 1, 1]).reshape(8, 8))
    given = []
    for at in SNAPSHOTS:
        net = sd.rebuild(history, build, patterns, at=at)[SEEDS.index(3)]
        given.append(
            net(torch.tensor(patterns.inputs))[2].numpy()[::4]
        )  # each item, first relation
    assert [label.get_text() for label in ax.get_yticklabels()] == history["item"].values.tolist()
    np.testing.assert_allclose(
        np.array(heights) / np.max(heights), np.array(given) / np.max(given), atol=1e-5
    )


def test_dendrograms_are_scipys_single_linkage_of_euclidean_distances(history):
    ax = plots.dendrograms(history, SNAPSHOTS, layer="hidden_1", method="single", seed=2)
    scales = []
    for lines, at in zip(ax.collections, SNAPSHOTS, strict=True):
        rep = history["hidden_1"].sel(seed=2).sel(time=at, method="nearest").values
        heights = linkage(rep.astype(float), "single", metric="euclidean")[:, 2]
        corners = np.array(lines.get_segments())[..., 0]
        trunk = corners.max()  # where the leaves stand: distance 0
        drawn = np.sort(trunk - corners[:, 1])
        scales.append(drawn[-1] / heights[-1])
        np.testing.assert_allclose(drawn, heights * scales[-1], rtol=1e-4)
    np.testing.assert_allclose(scales, scales[0], rtol=1e-4)


def test_representations_part_broadly_first(history):
    distance = sd.item_distances(history, layer="hidden_1")
    classes = history["ancestor"].values
    shared = (classes[:, None] == classes[None]).sum(-1)
    apart = np.stack([distance.values[..., shared == k].mean(-1) for k in (1, 2, 3)])
    then = np.abs(history["time"].values - SNAPSHOTS[1]).argmin()
    ordered = (apart[0] > apart[1]) & (apart[1] > apart[2])
    assert ordered[:, then].mean() >= 0.8  # of 42 other networks 41
    assert ordered[:, -1].mean() >= 0.8


# --- damage --------------------------------------------------------------------------------------


def find_kept(said, history):
    """Return which share of true facts is still said, for facts shared by 8, 4, 2 and 1 items."""
    shared = history["target"].sum("item").values
    true = history["target"].values == 1
    return np.stack([(said * (true & (shared == k))).sum((-2, -1)) / (true & (shared == k)).sum()
                     for k in (8, 4, 2, 1)], axis=-1)  # fmt: skip


def damage_by_hook(history, patterns, severity, draws, random):
    """Add noise to representations as a student would: one number for each item and unit."""
    inputs = torch.tensor(patterns.inputs)
    said = []
    for net in sd.rebuild(history, build, patterns):
        answers = []
        for _ in range(draws):
            noise = torch.zeros(32, 12)
            noise[:, :8] = torch.tensor(random.normal(0, severity, (8, 8))).repeat_interleave(4, 0)
            hook = net.rep_hidden.register_forward_pre_hook(
                lambda _, args, noise=noise: (args[0] + noise,)
            )
            answers.append(patterns.read_back(net(inputs)[0].numpy()) > 0.5)
            hook.remove()
        said.append(np.mean(answers, axis=0))
    return np.array(said)


def test_noise_on_the_representation_takes_specific_facts_first(history, patterns):
    levels = [0.5, 1.0, 2.0]
    patients = damage(history, build, patterns, kind="noise", severity=levels, draws=40)
    assert int(patients["units"]) == 8
    said = (patients["output"] > 0.5).mean("draw").transpose("seed", "severity", ...)
    kept = find_kept(said.values, history)
    by_hand = np.stack(
        [
            find_kept(
                damage_by_hook(history, patterns, level, 40, np.random.default_rng(7)), history
            )
            for level in levels
        ],
        axis=1,
    )
    np.testing.assert_allclose(kept[:, 1:].mean(0), by_hand.mean(0), atol=0.05)
    middle = kept.mean(0)  # over networks; severity × how many items share a fact
    assert (np.diff(middle, axis=0) < 0.01).all()  # the more noise, the less is left
    for level in (1, 2, 3):
        assert (np.diff(middle[level]) < 0).all()  # the fewer share it, the sooner it goes
    assert (kept[:, 2, 0] > kept[:, 2, 3] + 0.1).all()  # in every network
