"""A model of a caller's own, made by a function."""

from collections.abc import Callable, Mapping

from torch import nn

from sambench.errors import UserError, said


def own_model(make: Callable[..., nn.Module], sizes: Mapping[str, int]) -> nn.Module:
    """What the function makes of the data's sizes; UserError if it fails or makes no model."""
    try:
        model = make(*sizes.values())
    except UserError:
        raise
    except Exception as error:
        told = " and ".join(f"{num} {what}" for what, num in sizes.items())
        raise UserError(
            f"task.model: your own model cannot be built for {told}: {said(error)}"
        ) from error
    if not isinstance(model, nn.Module):
        kind = type(model).__name__
        raise UserError(f"task.model: your own function must return a torch module, got {kind}")
    return model
