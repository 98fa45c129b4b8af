"""The strongest modes of a large world, and what is lost with the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

SWEEPS = 12  # of the randomized decomposition over the data
SPARE = 10  # modes followed beside twice those that are wanted, so that these converge
LEAST = 1e-10  # singular values below this share of the largest are taken for 0


@dataclass(frozen=True)
class Rest:
    """What the modes that were found leave of a matrix M = U S Vᵀ + M′ + C.

    Attributes: `size` (Frobenius norm of M′, which stands at right angles to U and V), `row` and
    `column` (the largest norm of a row and of a column of M′), `coupling` (Frobenius norm of C, by
    which the vectors found fail to be singular vectors).
    """

    size: float
    row: float
    column: float
    coupling: float


def find_modes(
    matrix: np.ndarray, modes: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return U, s and V of the strongest modes of a matrix U diag(s) Vᵀ, or of all that are not 0.

    Some of them are found by randomized subspace iteration (Halko, Martinsson & Tropp 2011;
    scikit-learn), in time proportional to the matrix's size × `modes`, and the same each time.
    """
    if modes is None or 2 * modes + SPARE >= min(matrix.shape):
        u, s, vt = linalg.svd(matrix, full_matrices=False)
    else:
        from sklearn.utils.extmath import randomized_svd

        u, s, vt = randomized_svd(
            matrix, modes, n_oversamples=modes + SPARE, n_iter=SWEEPS, random_state=0,
            power_iteration_normalizer="QR",
        )  # fmt: skip
    keep = s[:modes] > LEAST * max(s[0], np.finfo(float).tiny)
    return u[:, :modes][:, keep], s[:modes][keep], vt[:modes][keep].T


def measure_rest(matrix: np.ndarray, u: np.ndarray, s: np.ndarray, v: np.ndarray) -> Rest:
    """Return what the modes found leave of a matrix, and how far they couple to it."""
    mapped, back = matrix @ v, matrix.T @ u
    coupling = np.hypot(linalg.norm(mapped - u * s), linalg.norm(back - v * s))
    coupling += np.finfo(float).eps * linalg.norm(matrix)  # what rounding hides
    rest = matrix - u @ back.T
    rest -= (rest @ v) @ v.T
    row, column = (float(linalg.norm(rest, axis=axis).max()) for axis in (1, 0))
    return Rest(float(linalg.norm(rest)), row, column, float(coupling))


def bound_errors(
    rest: Rest, *, largest: float, initial: float, depth: int, number: int
) -> tuple[float, float, float]:
    """Return how far a map without the modes left out is off at most, at any time.

    Let the modes decouple and all start at a₀. Then the map of the whole world is W(t) =
    U f(S) Vᵀ with f(e) = a(t), the strength of a mode that ends at e. In the basis of the modes
    found, M = (S ⊕ M′) + C, and what is kept is f(S).

    - f(M′) is left out. A strength rises (or falls) from a₀ to e and not beyond, so that
      0 ≤ f(e) ≤ e + a₀. Hence |f(M′) x| ≤ |M′ x| + a₀ |x| for any x: no row or column is longer
      than that of M′ by more than a₀, and the Frobenius norm by more than a₀ √n, with n = `number`
      modes in all.
    - C is neglected. f is f(0) ≤ a₀ and an odd function of slope L at most (`find_steepest`); such
      a function of a matrix is as Lipschitz in the Frobenius norm as of a number (see it as one
      of the symmetric matrix [[0, M], [Mᵀ, 0]]). So |f(M) − f(S ⊕ M′)|_F ≤ L |C|_F + 2 a₀ √n, and
      no row or column of the difference is longer than L |C|_F + 2 a₀.

    No cell exceeds its row or its column, and neither the spectral norm. Derived here.

    Parameters
    ----------
    rest : Rest
        Of M = Σ_yx / d.
    largest : float
        The largest singular value of M.
    initial : float
        The starting strength a₀ of every mode.
    depth : int
        Number of weight matrices.
    number : int
        How many modes the world has at most.

    Returns
    -------
    tuple of float
        Bounds on the Frobenius norm of what is missing, on its rows and on its columns.
    """
    start = 3 * abs(initial)
    neglected = 0.0
    if rest.coupling:
        steepest = find_steepest(abs(initial) / (largest + rest.coupling), depth)
        neglected = steepest * rest.coupling
    return (
        rest.size + neglected + start * number**0.5,
        rest.row + neglected + start,
        rest.column + neglected + start,
    )


def find_steepest(initial: float, depth: int) -> float:
    """Return how much a strength changes at most, at any time, if its mode ends a little higher.

    From ȧ = D a^p (e − a), p = 2 − 2/D, follows for x = a/e from x₀ = a₀/e on

        ∂a/∂e = x^p (1 − x) ∫_{x₀}^x dξ / (ξ^p (1 − ξ)²),

    which is 1 at most for D = 1 or x₀ ≥ 1, and the larger, the smaller x₀: about
    ½ + ln(1/x₀)/4 for D = 2, a power of 1/x₀ for D ≥ 3. Derived here; found on a grid of logits,
    where the trapezoid rule errs upwards, and rounded up by .1 %.

    Parameters
    ----------
    initial : float
        x₀ of the strongest mode.
    depth : int
        D.

    Examples
    --------
    >>> [round(find_steepest(1e-5, depth), 1) for depth in (1, 2, 3)]
    [1.0, 3.2, 28.3]
    """
    if depth == 1 or initial >= 1:
        return 1.0
    power = 2 - 2 / depth
    logit = np.linspace(special.logit(initial), 36.0, 20_001)
    x, left = special.expit(logit), special.expit(-logit)
    slope = x ** (1 - power) / left
    passed = np.cumsum((slope[1:] + slope[:-1]) / 2) * (logit[1] - logit[0])
    return max(1.0, 1.001 * float(np.max(x[1:] ** power * left[1:] * passed)))
