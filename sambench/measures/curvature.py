"""Eigenvalues and trace of the Hessian."""

from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field
from scipy.sparse.linalg import LinearOperator, eigsh

from sambench.measures.measure import Measure
from sambench.measures.registry import measures
from sambench.measures.subject import Subject
from sambench.measures.surface import Surface, sharpness
from sambench.records import Quantity


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
        return 2.0 * (self.draws + 15 * self.top + 5)

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
    found = eigsh(operator, k=top, which="LA", **options)
    return np.sort(found)[::-1]


def _trace(surface: Surface, draws: int) -> float:
    """Mean of v.Hv over vectors of random signs."""
    found = []
    for i in range(draws):
        signs = [torch.sign(noise) for noise in surface.noise(1, i)]
        products = zip(signs, surface.hessian_times(signs), strict=True)
        found.append(sum(float((v * hv).sum()) for v, hv in products))
    return sum(found) / draws
