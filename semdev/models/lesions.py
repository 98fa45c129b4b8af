"""What damage does to the modes that a deep linear network has learned: closed forms."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from semdev.models.decomposition import tied_groups


def predict_strengths(
    strengths: np.ndarray, severity: float, *, kind: str, rank: int | None = None
) -> np.ndarray:
    """Return the strength that each mode should have after damage, on average over draws.

    Let ŷ = Σ_α a_α u_α v_αᵀ x be what a linear network answers. Every unit and every weight that is
    left stays as it was, and Ŷ is a sum over units, so that

        units: E[a'_α] = (1 − p) a_α,   weights into and out of a layer: E[a'_α] = (1 − p)² a_α,
        noise: E[a'_α] = a_α,

    exactly and for every weight matrix: deletion shrinks all modes alike, and what is left is a
    weaker copy of all that was known. Trained on with r units in its hidden layer a
    network of one hidden layer and white inputs comes to the best answer of rank r (Baldi &
    Hornik 1989), the truncated decomposition: the r strongest modes are kept whole and all others
    are lost. Of tied modes at the cut each counts with the mean of its tie. Jarvis, Klar, Klein,
    Rosman & Saxe (2023) showed by simulation that relearning is what makes the difference.

    Parameters
    ----------
    strengths : array, … × mode
        a_α before the damage, strongest first; in units of the coding.
    severity : float
        Share p of the units or weights that are deleted, or standard deviation of the noise.
    kind : "noise", "weight noise", "units" or "weights"
        What is done to the hidden layer.
    rank : int, optional
        Units left of those that relearn; default: nobody does.

    Returns
    -------
    array, … × mode

    Examples
    --------
    >>> predict_strengths(np.array([4.0, 2.0, 1.0]), 0.5, kind="units")
    array([2. , 1. , 0.5])
    >>> predict_strengths(np.array([4.0, 2.0, 1.0]), 0.5, kind="units", rank=2)
    array([4., 2., 0.])
    """
    strengths = np.asarray(strengths, dtype=float)
    if rank is not None:
        kept = strengths * (np.arange(strengths.shape[-1]) < rank)
        for tied in tied_groups(strengths.reshape(-1, strengths.shape[-1]).mean(0)):
            kept[..., tied] = kept[..., tied].mean(-1, keepdims=True)
        return kept
    power = {"units": 1, "weights": 2}.get(kind, 0)
    return strengths * (1 - severity) ** power


def predict_scatter(
    strengths: np.ndarray,
    severity: float,
    *,
    kind: str,
    units: int,
    items: int,
    layer: int = 1,
    depth: int = 2,
) -> np.ndarray:
    """Return the scatter of the answers along each mode's output direction, over draws.

    Scatter is N_α = Σ_i Var(u_αᵀ ŷ_i), the sum of squares that damage adds to a_α², which is what
    the mode says of the items. In a balanced network of D weight matrices mode α passes the part
    below layer l with the gain a_α^(l/D) and the part above with b_α = a_α^((D − l)/D). Noise of
    standard deviation σ in the layer, or in the weights into the first of one-hot items, gives

        N_α = P σ² b_α²

    for P items, so that with one hidden layer a_α² / N_α = a_α / (P σ²): the weaker a mode, the
    sooner it drowns. If m of N units are left, and the modes' directions in the layer are
    turned at random, as small Gaussian weights leave them, then, with c_β = a_β^(l/D),

        N_α = b_α² m (N − m) / (N (N + 2)) × [Σ_{β ≠ α} c_β² / (N − 1) + 2 c_α² / N]:

    every mode is mixed up with every other, and a weak one drowns in what the strong ones leave.
    Derived here; of weights that are deleted no form this short is known (NaN).

    Parameters
    ----------
    strengths : array, … × mode
        a_α before the damage, in units of the coding.
    severity : float
        Standard deviation of the noise, in units of the layer's activity (of its weights), or
        the share of units deleted.
    kind : "noise", "weight noise", "units" or "weights"
        What is done to the layer.
    units, items : int
        N and P.
    layer, depth : int
        l and D.

    Returns
    -------
    array, … × mode
        Squared units of the coding.

    Examples
    --------
    >>> predict_scatter(np.array([4.0, 1.0]), 0.1, kind="noise", units=16, items=8)
    array([0.32, 0.08])
    """
    strengths = np.asarray(strengths, dtype=float)
    above = strengths ** (2 * (depth - layer) / depth)
    below = strengths ** (2 * layer / depth)
    if kind == "noise" or (kind == "weight noise" and layer == 1):
        return items * severity**2 * above
    if kind != "units":
        return np.full(strengths.shape, np.nan)
    left = units - int(severity * units + 0.5 + 1e-9)  # halves up, as `semdev.damage` rounds
    mixing = (below.sum(-1, keepdims=True) - below) / max(units - 1, 1) + 2 * below / units
    return above * left * (units - left) / (units * (units + 2)) * mixing


def predict_beliefs(
    output: np.ndarray, criterion: float, severity: float, *, layer: int = 1, depth: int = 2
) -> np.ndarray:
    """Return how often each property is said to hold, with noise in a hidden layer.

    A balanced linear network answers ŷ_p = w_p·h with |w_p|² = Σ_α u_pα² a_α^(2(D − l)/D), the
    diagonal of (Ŷᵀ Ŷ)^((D − l)/D), so that with noise of standard deviation σ in layer l

        P(ŷ_ip > criterion) = Φ((ŷ_ip − criterion) / (σ |w_p|)).

    A property that many items share stands on strong modes and has the larger weights: noise
    in the layer hits what is general at least as hard as what is specific, even though weak *modes*
    drown first (`predict_scatter`). That the general outlasts the specific is no consequence of
    the linear theory of noise. Derived here.

    Parameters
    ----------
    output : array, … × item × property
        What the healthy network answers, in units of the coding.
    criterion : float
        In units of the coding.
    severity : float
        σ, in units of the layer's activity.
    layer, depth : int
        l and D.

    Returns
    -------
    array, … × item × property
        Probabilities, 0 to 1.

    Examples
    --------
    >>> predict_beliefs(np.eye(2), 0.5, 0.5)
    array([[0.84, 0.16],
           [0.16, 0.84]])
    """
    output = np.asarray(output, dtype=float)
    s, vt = np.linalg.svd(output, full_matrices=False)[1:]
    reach = np.sqrt(np.einsum("...a,...ap->...p", s ** (2 * (depth - layer) / depth), vt**2))
    far = output - criterion
    spread = severity * reach[..., None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 0, ndtr(far / spread), far > 0)
