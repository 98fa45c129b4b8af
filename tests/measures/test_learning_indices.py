"""Learning indices: planted curves, closed forms, published numbers, other worlds."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import semdev as sd
from semdev.measures.learning_indices import growth_rate, learning_indices, predict_differentiation

WORLD = sd.load("cao2020")
S = np.sqrt([15.0, 7.0, 3.0, 1.0])
NUMBERS = ["differentiation", "stages", "illusory_peak", "illusory_sum"]


def logistic_onset(s, a0, share=0.05):
    """The time at which 1 / (1 + (s/a0 − 1) e^(−2st)) is `share`, solved by hand."""
    return np.log(share / (1 - share) * (s / a0 - 1)) / (2 * s)


def exact(world=WORLD, **more):
    return sd.solve(world, depth=2, times=2000, **more)


def test_the_closed_form_gives_back_its_own_onsets_and_index():
    found = learning_indices(exact(initial=1e-20)).isel(seed=0)
    onset = logistic_onset(S, 1e-20)
    np.testing.assert_allclose(found["onset"], onset, rtol=2e-3)
    assert found["mode"].values.tolist() == [1, 2, 3, 5]
    assert found["level"].values.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(found["singular_value"], S)
    assert float(found["differentiation"]) == pytest.approx(
        np.diff(onset).mean() / onset[-1], abs=1e-3
    )
    assert int(found["stages"]) == 4


def test_prediction_from_one_onset_is_the_measurement_where_theory_holds():
    found = learning_indices(exact(initial=1e-7))
    for name in ["onset", *NUMBERS]:
        np.testing.assert_allclose(found[f"predicted_{name}"], found[name], rtol=2e-3, err_msg=name)


def test_sums_of_illusory_beliefs_have_a_closed_form():
    """∫ ŷ dt of a cell whose parts g sum to 0 is −Σ g ln(s/a0) / 2s; here no belief is below 0."""
    history = exact(initial=1e-12)
    cell = history["output"].sel(item="item 1", property="has feature 3-4")
    g = np.array([0.25, 0.25, -0.5, 0])
    area = -np.sum(g * np.log(S / 1e-12) / (2 * S))
    assert float(cell.integrate("time")[0]) == pytest.approx(area, rel=2e-3)
    false = WORLD.properties.values == 0
    by_hand = np.clip(history["output"].values[0][:, false], 0, None)
    total = np.trapezoid(by_hand, history["time"], axis=0).sum()
    assert float(learning_indices(history)["illusory_sum"][0]) == pytest.approx(total)
    assert float(learning_indices(history)["illusory_peak"][0]) == pytest.approx(by_hand.max())


def test_shallow_learners_do_not_differentiate():
    found = learning_indices(sd.solve(WORLD, depth=1), depth=1).isel(seed=0)
    np.testing.assert_allclose(found["onset"], -np.log(0.95), rtol=1e-2)
    assert float(found["differentiation"]) == pytest.approx(0, abs=1e-9)
    for name in NUMBERS:
        assert float(found[f"predicted_{name}"]) == pytest.approx(float(found[name]), abs=1e-3)


def test_gradient_descent_under_the_published_settings():
    drawn = sd.initial_weights(sd.DeepLinear(32, scale=1.0), WORLD, seeds=8)
    run = sd.train(
        sd.DeepLinear(32), WORLD, seeds=8, learning_rate=0.005, steps=5500, record=800,
        weights=[1e-10 * w / w.shape[1] ** 0.5 for w in drawn], dtype="float32", progress=False,
    )  # fmt: skip
    found = learning_indices(run)
    np.testing.assert_allclose(
        found["onset"].median("seed") / 0.005, [1157, 1694, 2535, 4358], rtol=0.02
    )
    assert float(found["differentiation"].median()) == pytest.approx(0.245, abs=0.004)
    np.testing.assert_allclose(
        found["differentiation"], found["predicted_differentiation"], rtol=0.02
    )
    assert (found["stages"] == 4).all()
    assert (found["predicted_stages"] == 4).all()


def planted(plant, shares, time):
    """A learner of two orthogonal properties whose modes have the given shares."""
    target = np.diag([3.0, 2.0, 1.0])
    output = np.einsum("tm,mij->tij", shares, [np.diag(row) for row in np.diag([3.0, 2.0, 1.0])])
    return plant(target, output[None], time)


def test_planted_onsets_by_hand(plant):
    time = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    shares = np.array([[0, 0, 0], [0.1, 0, 0], [1, 0.1, 0], [1, 1, 0.0], [1, 1, 0.2]])
    found = learning_indices(planted(plant, shares, time)).isel(seed=0)
    np.testing.assert_allclose(found["onset"], [0.5, 1.5, 3.25])
    assert float(found["differentiation"]) == pytest.approx((1.0 + 1.75) / 2 / 3.25)
    half = learning_indices(planted(plant, shares, time), share=0.5).isel(seed=0)
    assert np.isnan(half["onset"][2])
    assert np.isnan(half["differentiation"])


def test_modes_of_the_wrong_sign_or_never_learned_have_no_onset(plant):
    time = np.linspace(0, 5, 30)
    rise = 1 - np.exp(-time)
    found = learning_indices(planted(plant, np.stack([rise, -rise, 0 * rise], 1), time))
    assert found["onset"].isnull().values.tolist() == [[False, True, True]]
    assert np.isnan(found["differentiation"][0])


def test_what_sets_in_at_once_has_no_common_start(plant):
    """All modes rising together and early: gradient descent could not have done that."""
    time = np.linspace(0, 5, 200)
    rise = np.repeat((1 - np.exp(-9 * time))[:, None], 3, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = learning_indices(planted(plant, rise, time))
    assert float(found["differentiation"][0]) == pytest.approx(0)
    assert np.isnan(found["predicted_differentiation"][0])


def test_one_mode_has_no_differentiation(plant):
    time = np.linspace(0, 5, 30)
    output = (1 - np.exp(-time))[None, :, None, None] * np.ones((2, 2))
    found = learning_indices(plant(np.ones((2, 2)), output, time))
    assert found.sizes["leading"] == 1
    assert np.isnan(found["differentiation"][0])


def test_without_false_cells_nothing_is_illusory(plant):
    time = np.linspace(0, 3, 30)
    target = np.array([[2.0, 1.0], [1.0, 2.0]])
    output = (1 - np.exp(-time))[None, :, None, None] * target
    found = learning_indices(plant(target, output, time))
    assert np.isnan(found["illusory_peak"][0])
    assert float(found["illusory_sum"][0]) == 0


def test_unequal_frequencies_have_no_prediction_and_equal_ones_scale_time():
    def weigh(frequency):
        table = WORLD.properties.assign_coords(frequency=("item", np.array(frequency, float)))
        return sd.Dataset(table, WORLD.tree, "weighted")

    unequal = learning_indices(exact(weigh([2, 1, 1, 1, 1, 1, 1, 1]), initial=1e-6))
    assert np.isfinite(unequal["differentiation"]).all()
    assert unequal["predicted_differentiation"].isnull().all()
    assert unequal["predicted_onset"].isnull().all()
    twice = learning_indices(exact(weigh([2] * 8), initial=1e-6))
    once = learning_indices(exact(initial=1e-6))
    np.testing.assert_allclose(twice["onset"] * 2, once["onset"], rtol=5e-3)
    np.testing.assert_allclose(twice["predicted_onset"], twice["onset"], rtol=5e-3)


def test_a_start_can_be_given():
    history = exact(initial=1e-7)
    found = learning_indices(history, initial=1e-7)
    np.testing.assert_allclose(found["predicted_onset"][0], logistic_onset(S, 1e-7), rtol=5e-3)
    deep = sd.solve(WORLD, depth=3, initial=1e-4, times=800)
    found = learning_indices(deep, depth=3, initial=1e-4)
    np.testing.assert_allclose(found["predicted_onset"], found["onset"], rtol=1e-6)
    with pytest.raises(ValueError, match=r"prediction for depth 3 needs initial="):
        learning_indices(deep, depth=3)


@pytest.mark.parametrize("share", [0, 1, -0.2, 3])
def test_a_bad_share_is_refused(share):
    with pytest.raises(ValueError, match="share is a part of a mode's singular value"):
        learning_indices(exact(initial=1e-3), share=share)


@settings(max_examples=10, deadline=None)
@given(
    items=st.permutations(range(8)), properties=st.permutations(range(15)),
    scale=st.floats(0.2, 5),
)  # fmt: skip
def test_neither_order_nor_the_clock_matters(items, properties, scale):
    history = sd.solve(WORLD, depth=2, initial=1e-5, times=60)
    turned = history.isel(item=list(items), property=list(properties))
    turned = turned.assign_coords(time=history["time"] * scale)
    one, other = learning_indices(history, initial=1e-5), learning_indices(turned, initial=1e-5)
    np.testing.assert_allclose(other["onset"], one["onset"] * scale, rtol=1e-9)
    np.testing.assert_allclose(other["illusory_sum"], one["illusory_sum"] * scale, rtol=1e-9)
    for name in ["differentiation", "stages", "illusory_peak"]:
        np.testing.assert_allclose(other[name], one[name], rtol=1e-9)


def worlds(folder):
    sd.load("rogers2004").to_csv(folder / "mine.csv")
    return {
        "corpus": sd.load("rogers2004"),
        "file": sd.Dataset.from_csv(folder / "mine.csv"),
        "±1": sd.branching_diffusion([2, 2, 2], properties=60, flip=0.12, seed=3),
    }


def test_every_world_is_measured_beside_its_prediction(tmp_path):
    for name, world in worlds(tmp_path).items():
        run = sd.train(
            sd.DeepLinear(32, scale=1e-4),
            world,
            seeds=4,
            dtype="float32",
            progress=False,
            record=400,
        )
        found = learning_indices(run)
        assert ("level" in found.coords) == (name != "file")
        assert np.isfinite(found["differentiation"]).all(), name
        np.testing.assert_allclose(
            found["differentiation"].median(), found["predicted_differentiation"].median(),
            rtol=0.05, err_msg=name,
        )  # fmt: skip
        np.testing.assert_allclose(
            found["illusory_peak"].median(), found["predicted_illusory_peak"].median(), rtol=0.05
        )
        table = sd.summarize(found[["differentiation", "predicted_differentiation"]])
        assert {"differentiation_low", "predicted_differentiation"} <= set(table.columns)


@pytest.mark.parametrize(("feedback", "hebbian"), [(0, 0), (1, 0), (-1, 0), (0.5, 3), (-0.5, -1)])
def test_growth_rates_against_an_ode_solver(feedback, hebbian):
    """The coupled parts of W₁ and W₂, followed from nothing to small: the late log slope."""
    for s in (0.7, 2.0):
        matrix = np.array([[hebbian, s], [s, feedback * s**2]])
        path = solve_ivp(
            lambda _, x, m: m @ x, (0, 12), [1e-9, 2e-9], rtol=1e-10, atol=0, t_eval=[11, 12],
            args=(matrix,),
        )  # fmt: skip
        slope = np.log(path.y[0, 1] / path.y[0, 0])
        assert growth_rate(s, feedback=feedback, hebbian=hebbian) == pytest.approx(slope, rel=1e-4)


@settings(deadline=None)
@given(st.floats(0.05, 10), st.floats(-2, 2), st.floats(-5, 5))
def test_growth_rates_are_eigenvalues_and_rise_with_feedback_and_hebbian_part(s, feedback, hebbian):
    rate = growth_rate(s, feedback=feedback, hebbian=hebbian)
    matrix = [[hebbian, s], [s, feedback * s**2]]
    assert rate == pytest.approx(np.linalg.eigvalsh(matrix)[-1], abs=1e-9)
    assert growth_rate(s, feedback=feedback + 0.1, hebbian=hebbian) >= rate - 1e-12
    assert growth_rate(s, feedback=feedback, hebbian=hebbian + 0.1) >= rate - 1e-12


def test_predicted_differentiation_by_hand():
    assert predict_differentiation([4, 2, 1]) == pytest.approx((1 - 1 / 4) / 2)
    assert predict_differentiation([3, 3]) == 0
    for bad in ([1.0], [2.0, -1.0], []):
        with pytest.raises(ValueError, match="two or more positive rates are needed"):
            predict_differentiation(bad)


def test_nothing_is_changed_and_seeds_are_kept():
    history = sd.train(sd.DeepLinear(16), WORLD, seeds=[3, 8], dtype="float32", progress=False)
    kept = history.copy(deep=True)
    found = learning_indices(history)
    xr.testing.assert_identical(history, kept)
    assert found["seed"].values.tolist() == [3, 8]
    alone = learning_indices(history.sel(seed=[8]))
    for name in NUMBERS:
        np.testing.assert_allclose(alone[name], found[name].sel(seed=[8]))
