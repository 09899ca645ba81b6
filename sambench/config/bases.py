"""Which optimizers can be the base that a variant hands its gradients to."""

from sambench.errors import UserError, echo, nearest

OWN_BASES = ("sgd", "adamw")
GRAPH_BASES = ("sgd", "momentum", "adam", "adamw")
"""Those with fused kernels, in timm's names."""
_CLOSURES = {"lbfgs"}


def check_base(name: str) -> None:
    """UserError unless timm knows the optimizer and it takes gradients as they come."""
    if name in OWN_BASES:
        return
    from timm.optim import get_optimizer_info, list_optimizers  # seconds; few studies need it

    known = {str(n): get_optimizer_info(str(n)).second_order for n in list_optimizers()}
    bases = [n for n, second_order in known.items() if not second_order]
    if name in _CLOSURES:
        why, bases = f"{name} evaluates the loss itself and cannot be a base", OWN_BASES
    elif name in bases:
        return
    elif name in known:
        why = f"{name} needs second derivatives and cannot be a base"
    else:
        why = f"unknown value {echo(name)}"
    raise UserError(f"train.base: {why}, {nearest(name, bases)}")
