"""Measures of a caller's own model, from Python."""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from torch import nn

from sambench.config import Measured, one_line
from sambench.errors import UserError
from sambench.measures.loading import Extent, of
from sambench.measures.measuring import Found, chosen, measure_all
from sambench.measures.registry import ready
from sambench.measures.subject import measured
from sambench.tasks import Data


def measure(
    model: nn.Module,
    data: Data,
    measures: Sequence[str] | None = None,
    *,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    max_batches: int = 8,
    batch_size: int = 128,
    seed: int = 0,
) -> Found:
    """What is measured of a trained model, which stays as it is, where it is.

    measures: by name; all that need no setting by default
    settings: of each by its name, e.g. {"ascent": {"rho": 0.1}}
    max_batches: of training and of test items, at most, at even distances
    seed: of what is drawn

    UserError, one line, for unknown names and settings, and for a model without parameters that
    take gradients; what fails of one measure stands in `failed`.
    """
    tables = {name: dict(own) for name, own in (settings or {}).items()}
    names = ready(tables) if measures is None else tuple(measures)
    try:
        asked = Measured.model_validate(
            {"names": names, "set": tables, "max_batches": max_batches, "batch_size": batch_size}
        )
    except ValidationError as error:
        raise UserError(one_line(error)) from None
    wanted = chosen(asked, "measures", "settings of ")
    asking = [p for p in model.parameters() if p.requires_grad]
    if not asking:
        raise UserError("no parameter of the model takes gradients")
    extent = Extent(asked.max_batches, asked.batch_size)
    with measured(model):
        subject = of(model, data.to(asking[0].device), extent, seed=seed)
        return measure_all(subject, wanted)
