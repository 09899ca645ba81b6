"""What a rule remembers: fitted to the parameters that train, saved with the rule it belongs to."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from variants.core import registry
from variants.core.protocol import State, Variant

Rule = dict[str, Any]
"""a variant in plain types: its key, and its hyperparameters by name"""


def fitted(state: State, fresh: State) -> tuple[State, State]:
    """`state` for the parameters of `fresh`, with what is fresh of new ones; and the rest of it.

    ValueError if a parameter has another shape than when the rule last saw it.
    """
    live, rest = {**fresh, **state}, {}
    for key, new in fresh.items():
        if isinstance(new, dict):
            tree = state.get(key, {})
            live[key] = {name: tree.get(name, t) for name, t in new.items()}
            rest[key] = {name: t for name, t in tree.items() if name not in new}
            for name, t in new.items():
                if live[key][name].shape != t.shape:
                    raise ValueError(
                        f"{name} is {tuple(t.shape)}, and was {tuple(live[key][name].shape)} when "
                        "the rule last saw it: optimizer.reset() starts its memory anew"
                    )
    return live, rest


def joined(state: State, rest: State) -> State:
    """What `fitted` took apart."""
    return {k: {**rest.get(k, {}), **v} if isinstance(v, dict) else v for k, v in state.items()}


def renamed(state: State, names: Mapping[str, str]) -> State:
    """`state` with the parameters in its trees under their new names."""
    return {
        k: {names.get(n, n): t for n, t in v.items()} if isinstance(v, dict) else v
        for k, v in state.items()
    }


def rule(variant: Variant) -> Rule:
    """What tells a variant from others, for a checkpoint."""
    values = {name: getattr(variant, name) for name in variant.hyperparameters()}
    plain = {n: rule(v) if isinstance(v, Variant) else v for n, v in values.items()}
    copied = {n: v.clone() if isinstance(v, Tensor) else v for n, v in plain.items()}
    return {"variant": registry.name_of(variant), "hyperparameters": copied}


def differences(saved: Rule, variant: Variant, path: str = "") -> Iterator[tuple[str, str]]:
    """In what a saved rule and `variant` differ, both in words; tensors are no difference."""
    mine = registry.name_of(variant)
    if saved["variant"] != mine:
        what = path.rstrip(".") or "variant"
        yield f"{what} {saved['variant']!r}", f"{what if path else ''} {mine!r}".lstrip()
        return
    for name in variant.hyperparameters():
        old, new = saved["hyperparameters"].get(name), getattr(variant, name)
        if isinstance(new, Variant):
            yield from differences(old, new, f"{path}{name}.")
        elif not isinstance(new, Tensor) and old != new:
            yield f"{path}{name}={old!r}", f"{path}{name}={new!r}"


def restore_tensors(saved: Rule, variant: Variant) -> None:
    """Hyperparameters that are tensors move during a run, as rates do: they come back."""
    for name, old in saved["hyperparameters"].items():
        new = getattr(variant, name)
        if isinstance(new, Variant):
            restore_tensors(old, new)
        elif isinstance(new, Tensor):
            new.copy_(old) if isinstance(old, Tensor) else new.fill_(old)


def paired(old: list[str], new: list[str]) -> dict[str, str]:
    """Names of one model's parameters -> those in another model, as torch pairs them: in order."""
    pairs = dict(zip(old, new, strict=True))
    return {} if pairs.keys() == set(pairs.values()) else pairs
