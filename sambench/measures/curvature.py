"""Eigenvalues and trace of the Hessian."""

from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor

from sambench.measures.measure import Measure
from sambench.measures.registry import measures
from sambench.measures.subject import Subject
from sambench.measures.surface import Surface, sharpness
from sambench.records import Quantity

PRODUCT = 4.0
"""gradient evaluations of a product with the Hessian, about: 3 of a ViT, 5 of a small ResNet"""
SHARED = 0.75  # of that, where several products share a gradient
TOGETHER = 5  # that do


@measures.register("curvature")
class Curvature(Measure):
    """The `top` largest eigenvalues of the Hessian of the mean training loss, and its trace.

    `hessian_eigenvalue_1` and so on by Lanczos (scipy's eigsh) on products with the Hessian, to a
    relative `tolerance`; `hessian_trace` by Hutchinson's estimator over `draws` random signs.
    """

    title = "curvature"
    source = "Ghorbani et al. 2019, arXiv:1901.10159; Hutchinson 1990"
    subset = "train"
    cannot_tell = (
        "Rescaling the layers of a network changes every number here and no prediction, so that "
        "networks with other weights' norms cannot be compared."
    )

    top: Annotated[int, Field(ge=1, le=20)] = 1
    draws: Annotated[int, Field(ge=0, le=1000)] = 10
    """0: no trace"""
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 1e-3

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        eigenvalues = [f"hessian_eigenvalue_{i}" for i in range(1, self.top + 1)]
        names = [*eigenvalues, *(["hessian_trace"] if self.draws else [])]
        return tuple(sharpness(name) for name in names)

    @property
    def evaluations(self) -> float:
        return PRODUCT * (_room(self.top) + 1 + self.draws * SHARED)

    def of(self, subject: Subject) -> dict[str, float]:
        surface = Surface(subject, subject.batches("train"))
        found = {
            f"hessian_eigenvalue_{i}": float(value)
            for i, value in enumerate(_eigenvalues(surface, self.top, self.tolerance), 1)
        }
        if self.draws:
            found["hessian_trace"] = _trace(surface, self.draws)
        return found


def _eigenvalues(surface: Surface, top: int, tolerance: float) -> np.ndarray:
    """The algebraically largest, falling."""
    sizes = [p.numel() for p in surface.parameters]

    def product(flat: np.ndarray) -> np.ndarray:
        parts = torch.from_numpy(np.ascontiguousarray(flat).ravel()).split(sizes)
        like = zip(parts, surface.parameters, strict=True)
        found = surface.hessian_times([part.view_as(p) for part, p in like])
        return torch.cat([each.flatten() for each in found]).cpu().numpy()

    if sum(sizes) <= top + 1:  # Lanczos needs room
        columns = [product(row) for row in np.eye(sum(sizes))]
        return np.linalg.eigvalsh(np.array(columns))[::-1][:top]
    shape = (sum(sizes), sum(sizes))
    operator = LinearOperator(shape, matvec=product, dtype=np.float64)  # pyright: ignore[reportCallIssue]
    start = torch.cat([each.flatten() for each in surface.noise(0)]).cpu().numpy()
    options: dict[str, Any] = {"tol": tolerance, "v0": start, "return_eigenvectors": False}
    found = eigsh(operator, k=top, ncv=min(_room(top), sum(sizes)), which="LA", **options)
    return np.sort(found)[::-1]


def _room(top: int) -> int:
    """Lanczos vectors. It looks whether it is done when they are all there: the fewer, the sooner;
    the outliers of a Hessian are far apart."""
    return 2 * top + 6


def _trace(surface: Surface, draws: int) -> float:
    """Mean of v.Hv over vectors of random signs."""
    found: list[float] = []
    for first in range(0, draws, TOGETHER):
        some = range(first, min(first + TOGETHER, draws))
        found += surface.curvatures([_signs(surface, i) for i in some])
    return sum(found) / draws


def _signs(surface: Surface, number: int) -> list[Tensor]:
    return [torch.sign(noise) for noise in surface.noise(1, number)]
