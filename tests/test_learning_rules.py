"""Learning rules: against automatic differentiation, against numpy, alone and together."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import semdev as sd
from semdev.building import build_all
from semdev.ensembles import Chain, Learning, make_ensemble
from semdev.learning_rules import (
    RULES,
    Backpropagation,
    Candidate,
    ContrastiveHebbian,
    FeedbackAlignment,
    FiniteDifferences,
    Hebbian,
    Rule,
    WeightPerturbation,
    get_rule,
)  # fmt: skip

WORLD = sd.load("saxe2019")
NAMES = sorted(RULES)
FOR_ANY = ["finite differences", "weight perturbation"]
MODELS = {
    "deep": sd.DeepLinear(6, scale=0.3),
    "deeper": sd.DeepLinear([5, 6], scale=0.4),
    "shallow": sd.Shallow(scale=0.2),
    "tanh": sd.MLP([6, 5], scale=0.5, bias=True),
    "sigmoid out": sd.MLP(6, output="sigmoid", scale=0.5, bias=True),
}


def weigh(world=WORLD, frequency=(1.0, 2.0, 0.5, 1.0)):
    table = world.properties.assign_coords(frequency=("item", np.array(frequency)))
    return sd.Dataset(table, world.tree, world.name)


def make(model, rule, *, seeds=(0, 4), data=WORLD):
    patterns = sd.make_patterns(data)
    nets = build_all(model, patterns, list(seeds))
    return make_ensemble(nets, patterns, list(seeds), Learning(1.0, rule)).parts[0]


def step(ensemble):
    """Return by how much each parameter changes in one step, per rate."""
    before = {k: p.clone() for k, p in ensemble.parameters.items()}
    ensemble.advance(1)
    return {k: p - before[k] for k, p in ensemble.parameters.items()}


def descend(model, data, seed):
    """Return minus the gradient of one network's loss by plain torch."""
    patterns = sd.make_patterns(data)
    net = build_all(model, patterns, [seed])[0].double()
    inputs, targets, mask, weights = (
        torch.tensor(x)
        for x in (patterns.inputs, patterns.targets, patterns.mask, patterns.weights)
    )
    (mask * weights[:, None] * (targets - net(inputs)) ** 2).sum().div(2).backward()
    return {k: -p.grad for k, p in net.named_parameters()}


def learn(rule, *, model=None, data=WORLD, seeds=(0, 4), steps=60, **more):
    return sd.train(
        model or sd.DeepLinear(6, scale=0.1), data, seeds=seeds, steps=steps, rule=rule,
        learning_rate=0.02, progress=False, record=20, **more,
    )  # fmt: skip


@pytest.mark.parametrize("data", [WORLD, weigh()], ids=["alike", "frequencies"])
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("rule", ["backpropagation", "finite differences"])
def test_gradient_rules_give_the_gradient(rule, name, data):
    changes = step(make(MODELS[name], rule, data=data))
    for k, seed in enumerate((0, 4)):
        for parameter, expected in descend(MODELS[name], data, seed).items():
            np.testing.assert_allclose(changes[parameter][k], expected, atol=3e-8)


def test_the_rule_backpropagation_says_what_the_engine_does():
    scene_rule = type("Explicit", (Backpropagation,), {"name": "explicit"})()
    one, other = (learn(rule, model=MODELS["tanh"]) for rule in ("backpropagation", scene_rule))
    np.testing.assert_allclose(one["output"], other["output"], atol=1e-13)


def test_backpropagation_is_the_path_it_was():
    chosen = learn("backpropagation")
    default = sd.train(
        sd.DeepLinear(6, scale=0.1), WORLD, seeds=(0, 4), steps=60, learning_rate=0.02,
        progress=False, record=20,
    )  # fmt: skip
    assert np.array_equal(chosen["output"], default["output"])
    assert type(make(MODELS["deep"], "backpropagation")) is Chain
    assert make(MODELS["deep"], "backpropagation").rule is None


@pytest.mark.parametrize("name", ["deep", "deeper", "tanh"])
def test_finite_differences_follow_backpropagation_all_the_way(name):
    one, other = (
        learn(rule, model=MODELS[name], steps=200)
        for rule in ("backpropagation", "finite differences")
    )
    np.testing.assert_allclose(one["output"], other["output"], atol=1e-8)
    assert float(one["loss"].isel(time=-1).max()) < 0.5 * float(one["loss"].isel(time=0).min())


def test_any_step_is_exact_for_a_linear_network():
    changes = [step(make(MODELS["deeper"], FiniteDifferences(step=h))) for h in (1e-4, 1.0)]
    for name in changes[0]:
        np.testing.assert_allclose(changes[0][name], changes[1][name], atol=1e-8)


class Odd(nn.Module):
    """No chain: a residual path, a frozen layer, a gain."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.first = nn.Linear(n_inputs, 5)
        self.second = nn.Linear(5, n_outputs, bias=False)
        self.direct = nn.Linear(n_inputs, n_outputs, bias=False)
        self.direct.weight.requires_grad_(False)
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.gain * self.second(torch.tanh(self.first(x))) + self.direct(x)


@pytest.mark.parametrize("batched", [True, False])
def test_any_network_can_do_without_backpropagation(batched):
    one = learn("backpropagation", model=Odd, data=weigh(), steps=6)
    other = learn("finite differences", model=Odd, data=weigh(), steps=6, batched=batched)
    np.testing.assert_allclose(one["output"], other["output"], atol=1e-8)


@pytest.mark.parametrize("rule", FOR_ANY)
def test_what_is_frozen_stays_frozen(rule):
    ensemble = make(Odd, rule)
    changes = step(ensemble)
    assert not changes["direct.weight"].any()
    assert all(changes[name].any() for name in changes if name != "direct.weight")


def test_weight_perturbation_is_the_gradient_on_average():
    exact = step(make(MODELS["shallow"], "backpropagation", seeds=[3]))
    rule = WeightPerturbation(draws=4000)
    found = step(make(MODELS["shallow"], rule, seeds=[3]))
    for name, expected in exact.items():
        error = (found[name] - expected).square().sum().sqrt()
        size = expected.square().sum().sqrt()
        n = expected.numel()
        assert error / size < 1.5 * math.sqrt((n + 1) / rule.draws)  # E = √((n + 1)/draws)


def test_weight_perturbation_descends():
    run = learn("weight perturbation", steps=400)
    assert (run["loss"].isel(time=-1) < 0.5 * run["loss"].isel(time=0)).all()


def test_feedback_alignment_by_hand():
    ensemble = make(MODELS["deep"], FeedbackAlignment(scale=2.0), seeds=[7])
    w1, w2 = (w[0].numpy().copy() for w in ensemble.parameters.values())
    b = ensemble.memory[1][0].numpy()
    assert b.shape == w2.shape
    y, x = WORLD.properties.values, np.eye(4)
    error = y - x @ w1.T @ w2.T
    d1, d2 = (change[0].numpy() for change in step(ensemble).values())
    np.testing.assert_allclose(d1, (error @ b).T @ x, atol=1e-12)
    np.testing.assert_allclose(d2, error.T @ (x @ w1.T), atol=1e-12)


def test_feedback_is_drawn_with_the_length_that_is_promised_and_apart_from_the_weights():
    ensemble = make(sd.DeepLinear(200, scale=1.0), FeedbackAlignment(scale=3.0))
    feedback, weights = ensemble.memory[1], list(ensemble.parameters.values())[1]
    assert feedback.shape == weights.shape
    assert float(feedback.std()) * math.sqrt(200) == pytest.approx(3.0, rel=0.05)
    assert abs(np.corrcoef(feedback.flatten(), weights.flatten())[0, 1]) < 0.1
    assert not torch.equal(feedback[0], feedback[1])


def test_feedback_alignment_with_the_weights_themselves_is_backpropagation():
    class Symmetric(FeedbackAlignment):
        def change(self, scene, memory):
            return super().change(scene, scene.weights)

    one, other = (step(make(MODELS["tanh"], rule)) for rule in ("backpropagation", Symmetric()))
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-13)


def test_onsets_of_feedback_alignment_go_with_a_power_of_two_thirds():
    world = sd.load("cao2020")
    run = sd.train(
        sd.DeepLinear(200, scale=1e-8), world, seeds=5, rule="feedback alignment",
        learning_rate=0.002, steps=500, progress=False,
    )  # fmt: skip
    share = sd.mode_strengths(run)
    onset = [
        np.interp(0.05, share[k, :, m] / share["singular_value"][m], run["time"])
        for k in range(5) for m in (0, 1)
    ]  # fmt: skip
    expected = np.tile([(0.1 / 15) ** (1 / 3), (0.1 / 7) ** (1 / 3)], 5)
    np.testing.assert_allclose(onset, expected, rtol=0.12)


def test_contrastive_learning_rests_where_the_linear_equations_say():
    gain, rule = 0.05, ContrastiveHebbian(feedback=0.05)
    data = weigh()
    ensemble = make(MODELS["deep"], rule, seeds=[2], data=data)
    w1, w2 = (w[0].numpy().copy() for w in ensemble.parameters.values())
    y, often = data.properties.values, np.array([1.0, 2.0, 0.5, 1.0])
    free = np.linalg.solve(np.eye(6) - gain * w2.T @ w2, w1)  # hidden × item
    clamped = w1 + gain * w2.T @ y.T
    d1 = (clamped - free) @ np.diag(often) / gain
    d2 = y.T @ np.diag(often) @ clamped.T - w2 @ free @ np.diag(often) @ free.T
    found = step(ensemble)
    for change, expected in zip(found.values(), (d1, d2), strict=True):
        np.testing.assert_allclose(change[0], expected, atol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_contrastive_learning_becomes_the_gradient_as_feedback_weakens(name):
    exact = step(make(MODELS[name], "backpropagation", data=weigh()))
    off = []
    for feedback in (1e-2, 1e-3):
        found = step(make(MODELS[name], ContrastiveHebbian(feedback=feedback), data=weigh()))
        if name == "sigmoid out":  # the clamped answer is no fixed point: no slope on top
            assert any((found[k] - exact[k]).abs().max() > 0.01 for k in exact)
            return
        off.append(max(float((found[k] - exact[k]).abs().max()) for k in exact))
    assert off[1] <= 0.12 * off[0] + 1e-8
    assert off[1] < 0.1


def test_contrastive_learning_says_when_feedback_is_too_strong():
    with pytest.raises(
        ArithmeticError, match=r"come to no rest.*ContrastiveHebbian\(feedback=0.5\)"
    ):
        learn(ContrastiveHebbian(feedback=5.0), model=sd.DeepLinear(6, scale=2.0))


@pytest.mark.parametrize(("feedback", "hebbian"), [(0, 0), (1, 0), (-1, 0), (0.5, 2), (0, -3)])
def test_candidate_rules_as_the_authors_loop_over_items(feedback, hebbian):
    ensemble = make(MODELS["deep"], Candidate(feedback=feedback, hebbian=hebbian), seeds=[5])
    w1, w2 = (w[0].numpy().copy() for w in ensemble.parameters.values())
    d1, d2, hebb = np.zeros_like(w1), np.zeros_like(w2), np.zeros_like(w1)
    for x, y in zip(np.eye(4)[:, :, None], WORLD.properties.values[:, :, None], strict=True):
        h = w1 @ x
        answer = w2 @ h
        d1 += w2.T @ (y - answer) @ x.T
        d2 += y @ (h + feedback * w2.T @ y).T - answer @ (h + feedback * w2.T @ answer).T
        hebb += h @ x.T - (h**2 * w1 if hebbian >= 0 else 0)
    d1 += hebbian * hebb / (1 if hebbian >= 0 else 1 + (w1**2).sum(1, keepdims=True))
    found = step(ensemble)
    for change, expected in zip(found.values(), (d1, d2), strict=True):
        np.testing.assert_allclose(change[0], expected, atol=1e-12)


def test_the_origin_of_the_candidate_space_is_gradient_descent():
    one, other = (
        step(make(MODELS["deep"], r, data=weigh())) for r in ("backpropagation", Candidate())
    )
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-12)


def test_frequencies_count_as_repetitions():
    often = sd.make_patterns(weigh(frequency=(1, 2, 1, 1)))
    rows = [0, 1, 1, 2, 3]
    repeated = sd.data.patterns.Patterns(
        often.data, often.inputs[rows], often.targets[rows], often.mask[rows], np.ones(5),
        often.asked, often.relations[rows],
    )  # fmt: skip
    for rule in ("feedback alignment", "contrastive hebbian", "hebbian", Candidate(1.0, 2.0)):
        one, other = (step(make(MODELS["deep"], rule, data=d)) for d in (often, repeated))
        for name in one:
            np.testing.assert_allclose(one[name], other[name], atol=1e-10)


def test_hebbian_learning_ends_where_it_should():
    """Hidden units: length one. Properties: the mean hidden layer of their items."""
    run = learn("hebbian", steps=3000, keep_weights=True)
    w1, w2 = (run[f"weights_{k}"].isel(time=-1).values for k in (1, 2))
    np.testing.assert_allclose(np.linalg.norm(w1, axis=-1), 1, atol=1e-4)
    y = WORLD.properties.values
    mean = np.einsum("ip,shi->sph", y, w1) / y.sum(0)[:, None]
    np.testing.assert_allclose(w2, mean, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_alone_is_the_seed_among_others(name):
    together = learn(name, seeds=(0, 4, 7), steps=25)
    alone = learn(name, seeds=[7], steps=25)
    np.testing.assert_allclose(together["output"].sel(seed=[7]), alone["output"], atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_batched_is_one_by_one(name):
    batched, apart = (learn(name, steps=25, hidden=True, keep_weights=True, batched=b)
                      for b in (True, False))  # fmt: skip
    for variable in ("output", "hidden_1", "weights_2"):
        np.testing.assert_allclose(batched[variable], apart[variable], atol=1e-12)
    assert sd.get_provenance(apart)["engine"].startswith("one by one")


@pytest.mark.parametrize("name", NAMES)
def test_rules_repeat_themselves_and_leave_global_state_alone(name):
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one, other = learn(name, steps=20), learn(name, steps=20)
    assert np.array_equal(one["output"], other["output"])
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert sd.get_provenance(one)["rule"] == name


@pytest.mark.parametrize("name", NAMES)
def test_rules_are_other_rules(name):
    changes = {other: step(make(MODELS["deep"], other)) for other in {name, "backpropagation"}}
    same = all(
        torch.allclose(changes[name][k], changes["backpropagation"][k], atol=1e-6)
        for k in changes[name]
    )
    assert same == (name in ("backpropagation", "finite differences"))


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(4)), seed=st.integers(0, 1000))
@pytest.mark.parametrize("name", ["feedback alignment", "contrastive hebbian", "hebbian",
                                  "quasi-predictive coding", "finite differences"])  # fmt: skip
def test_the_order_of_items_does_not_matter(name, order, seed):
    """Items shown in another order (to the same inputs) change every weight alike."""
    patterns = sd.make_patterns(WORLD)
    order = list(order)
    turned = sd.data.patterns.Patterns(
        patterns.data, patterns.inputs[order], patterns.targets[order], patterns.mask[order],
        patterns.weights[order], patterns.asked, patterns.relations[order],
    )  # fmt: skip
    one, other = (
        step(make(MODELS["deep"], name, data=d, seeds=[seed])) for d in (patterns, turned)
    )
    for parameter in one:
        np.testing.assert_allclose(one[parameter], other[parameter], atol=1e-9)


def test_rules_work_on_other_worlds(tmp_path):
    sd.load("rogers2004").to_csv(tmp_path / "mine.csv")
    worlds = [
        sd.Dataset.from_csv(tmp_path / "mine.csv"),
        sd.branching_diffusion([2, 2], properties=20, flip=0.1, seed=1),
    ]
    for world in worlds:
        for name in NAMES:
            run = sd.train(
                sd.DeepLinear(8), world, seeds=2, steps=5, rule=name, progress=False, record=3
            )
            assert np.isfinite(run["output"]).all()


def test_unknown_rules_are_refused_with_the_nearest_match():
    hint = "no learning rule 'feedback alinment' in semdev; did you mean 'feedback alignment'"
    with pytest.raises(KeyError, match=hint):
        learn("feedback alinment")
    with pytest.raises(TypeError, match=r"a learning rule is a name \(backpropagation, .* got 3"):
        learn(3)


def test_a_rule_given_as_class_or_object_is_taken():
    assert isinstance(get_rule(Hebbian), Hebbian)
    assert get_rule(Candidate(feedback=1.0)) == Candidate(feedback=1.0)
    assert repr(get_rule("quasi-predictive coding")) == "candidate (feedback=-1.0, hebbian=0.0)"


class Silent(Rule):
    name = "silent"

    def change(self, scene, memory):
        return self.answer(scene)


def test_rules_of_ones_own_are_checked():
    def make_rule(answer):
        return type("Mine", (Silent,), {"answer": staticmethod(answer)})()

    with pytest.raises(TypeError, match="Empty writes neither change"):
        learn(type("Empty", (Rule,), {})())
    with pytest.raises(ValueError, match="returned 1 changes for 2 layers"):
        learn(make_rule(lambda scene: scene.weights[:1]))
    with pytest.raises(
        ValueError, match=r"change of shape \(2, 4, 6\) for weights of shape \(2, 6, 4\)"
    ):
        learn(make_rule(lambda scene: [w.mT for w in scene.weights]))
    with pytest.raises(ValueError, match="says nothing of biases"):
        learn(make_rule(lambda scene: scene.weights), model=sd.MLP(6, bias=True))
    still = learn(make_rule(lambda scene: [torch.zeros_like(w) for w in scene.weights]))
    assert not (still["output"] - still["output"].isel(time=0)).any()


@pytest.mark.parametrize("rule", ["feedback alignment", "hebbian", "contrastive hebbian"])
def test_rules_for_layers_refuse_other_networks(rule):
    with pytest.raises(ValueError, match=r"nn.Linear layers in sequence.*finite differences"):
        learn(rule, model=Odd)


@pytest.mark.parametrize("rule", ["hebbian", "quasi-predictive coding"])
def test_biases_are_refused_where_a_rule_has_none(rule):
    with pytest.raises(
        ValueError, match="is defined for weights alone; make the network with bias"
    ):
        learn(rule, model=sd.DeepLinear(6, bias=True))


def test_half_taught_patterns_are_refused_by_rules_that_clamp():
    patterns = sd.make_patterns(sd.load("rumelhart8"))
    mask = patterns.mask.copy()
    mask[0, 0] = 0
    half = sd.data.patterns.Patterns(
        patterns.data, patterns.inputs, patterns.targets, mask, patterns.weights, patterns.asked,
        patterns.relations,
    )  # fmt: skip
    for rule in ("contrastive hebbian", "quasi-predictive coding"):
        with pytest.raises(ValueError, match="clamps whole answers"):
            learn(rule, data=half)
    for rule in ("hebbian", "feedback alignment", "finite differences"):
        changes = step(make(MODELS["deep"], rule, data=half))
        free = type(half)(
            half.data, half.inputs, half.targets + (1 - mask) * 9, mask, half.weights, half.asked,
            half.relations,
        )  # fmt: skip
        again = step(make(MODELS["deep"], rule, data=free))
        for name in changes:  # what is not taught has no say
            np.testing.assert_allclose(changes[name], again[name], atol=1e-8)


def test_settings_are_checked():
    with pytest.raises(ValueError, match="step of finite differences must be a positive number"):
        FiniteDifferences(step=0)
    with pytest.raises(ValueError, match="scale of feedback alignment must be a positive"):
        FeedbackAlignment(scale=-1)
    with pytest.raises(ValueError, match="draws is how many directions are tried, got 0"):
        WeightPerturbation(draws=0)
    with pytest.raises(ValueError, match="feedback must be a finite number"):
        Candidate(feedback=math.inf)
    with pytest.raises(ValueError, match="linear networks with one hidden layer"):
        learn(Candidate(), model=sd.DeepLinear([4, 4]))


def test_finite_differences_need_double_precision() -> None:
    with pytest.raises(ValueError, match="drown in rounding in float32: train with"):
        sd.train(
            sd.DeepLinear(4), sd.load("saxe2019"), seeds=1, steps=2, rule="finite differences",
            dtype="float32",
        )  # fmt: skip


def test_contrastive_learning_of_a_seed_hangs_on_no_other() -> None:
    model = sd.DeepLinear(hidden=[6, 6], scale=0.3)
    options = {"rule": "contrastive hebbian", "steps": 100, "learning_rate": 0.01}
    world = sd.load("cao2020")
    alone = sd.train(model, world, seeds=[1001], **options)["output"]
    among = sd.train(model, world, seeds=range(998, 1004), **options)["output"]
    np.testing.assert_allclose(alone.sel(seed=1001), among.sel(seed=1001), rtol=1e-12, atol=1e-15)
