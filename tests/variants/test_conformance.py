"""The conformance suite catches what it is there to catch: rules with one fault each."""

import inspect
import random

import pytest
import torch

import variants
from variants import Update, Variant, hyper
from variants.core import ops, registry
from variants.testing import VariantConformance, sgd


class Ball(Variant):
    """A faultless rule; each of the others spoils one line of it."""

    rho: float = hyper(0.05, ge=0, search=(0.01, 0.5))

    @property
    def passes(self):
        return 2.0

    def init(self, params):
        return {"last": {n: torch.zeros_like(p) for n, p in params.items()}}

    def direction(self, oracle, state):
        g = oracle.grad().grads
        length = sum(t.square().sum() for t in g.values()).sqrt()
        factor = self.rho / (length + 1e-12)
        e = {n: factor * t for n, t in g.items()}
        return self.finish(oracle, g, e, state)

    def finish(self, oracle, g, e, state):
        ga = oracle.grad(at=e).grads
        return Update(ga), {"last": g}


class TooLong(Ball):
    def finish(self, oracle, g, e, state):
        return super().finish(oracle, g, {n: 1.01 * t for n, t in e.items()}, state)


class Shifts(Ball):
    def finish(self, oracle, g, e, state):
        return super().finish(oracle, g, {n: t + 1e-3 for n, t in e.items()}, state)


class Undeclared(Ball):
    def finish(self, oracle, g, e, state):
        oracle.grad(at=e)
        return super().finish(oracle, g, e, state)


class Keeps(Ball):
    """Remembers outside its state."""

    def finish(self, oracle, g, e, state):
        kept = self.__dict__.setdefault("kept", [])
        kept.append(e)
        return super().finish(oracle, g, kept[max(len(kept) - 2, 0)], state)


class Global(Ball):
    def finish(self, oracle, g, e, state):
        e = {n: t * torch.rand(()) for n, t in e.items()}
        return super().finish(oracle, g, e, state)


class Python(Ball):
    def finish(self, oracle, g, e, state):
        e = {n: t * random.random() for n, t in e.items()}
        return super().finish(oracle, g, e, state)


class Syncs(Ball):
    def finish(self, oracle, g, e, state):
        largest = max(t.abs().max().item() for t in g.values())
        return super().finish(oracle, g, e if largest > 0 else {}, state)


class Decides(Ball):
    def finish(self, oracle, g, e, state):
        some = oracle.decide(next(iter(g.values())).abs().max() > 0)
        return super().finish(oracle, g, e if some else {}, state)


class Shapes(Ball):
    def finish(self, oracle, g, e, state):
        losses = oracle.loss()
        rows = (losses >= losses.mean()).nonzero().flatten()
        return Update(oracle.grad(at=e, rows=rows).grads), {"last": g}


class Device(Ball):
    def finish(self, oracle, g, e, state):
        e = {n: t * torch.ones(t.shape, device="cpu") for n, t in e.items()}
        return super().finish(oracle, g, e, state)


class InPlace(Ball):
    def finish(self, oracle, g, e, state):
        update, state = super().finish(oracle, g, e, state)
        oracle.momentum["first.bias"].mul_(2)
        return update, state


class UsesUp(Ball):
    def finish(self, oracle, g, e, state):
        return super().finish(oracle, ops.mix_(state["last"], g, 0.5), e, {**state, "last": g})


class Overwrites(Ball):
    """By another tree with the gradient's tensors."""

    def finish(self, oracle, g, e, state):
        return super().finish(oracle, ops.scale_(dict(g), 1.5), e, state)


class Twice(Ball):
    """Remembers what it has used up."""

    def finish(self, oracle, g, e, state):
        ops.scale_(g, 2.0)
        return super().finish(oracle, g, e, state)


class Aliases(Ball):
    def finish(self, oracle, g, e, state):
        return super().finish(oracle, g, e, state)[0], {"last": oracle.params}


class Grows(Ball):
    def finish(self, oracle, g, e, state):
        update, state = super().finish(oracle, g, e, state)
        return update, {**state, "new": torch.zeros(())}


class Wanders(Ball):
    """Other calls in steps that claim the same phase."""

    def finish(self, oracle, g, e, state):
        if oracle.step % 3 == 2:
            oracle.loss(at=e)
        return super().finish(oracle, g, e, state)


class Alone(Ball):
    """Every process weighs by its own losses."""

    def finish(self, oracle, g, e, state):
        weight = oracle.loss(at=e).mean()
        return super().finish(oracle, g, {n: weight * t for n, t in e.items()}, state)


class Host(Ball):
    """A branch on values: no lanes."""

    def finish(self, oracle, g, e, state):
        if float(oracle.params["temperature"]) > 1.5:
            e = {}
        return super().finish(oracle, g, e, state)


class Divides(Ball):
    def finish(self, oracle, g, e, state):
        length = sum(t.square().sum() for t in g.values()).sqrt()
        e = {n: self.rho * t / length for n, t in g.items()}
        return super().finish(oracle, g, e, state)


class Statistics(Ball):
    """The standard deviation of one number is NaN."""

    def finish(self, oracle, g, e, state):
        e = {n: t / (1 + t.std()) for n, t in e.items()}
        return super().finish(oracle, g, e, state)


class Kicks(Ball):
    """Moves w where nothing asks for it."""

    def finish(self, oracle, g, e, state):
        update, state = super().finish(oracle, g, e, state)
        return Update({n: t + 1e-3 for n, t in update.grads.items()}), state


class Partial(Ball):
    def finish(self, oracle, g, e, state):
        update, state = super().finish(oracle, g, e, state)
        return Update({n: t for n, t in update.grads.items() if n != "first.bias"}), state


class Flattens(Ball):
    def finish(self, oracle, g, e, state):
        update, state = super().finish(oracle, g, e, state)
        return Update({n: t.flatten() for n, t in update.grads.items()}), state


class Fixed(Ball):
    """A part of the offset that rho does not scale."""

    def finish(self, oracle, g, e, state):
        return super().finish(oracle, g, {n: t + 0.01 * g[n] for n, t in e.items()}, state)


class Rounds(Ball):
    """Does other mathematics with tensors than with numbers."""

    def finish(self, oracle, g, e, state):
        factor = 0.5 if isinstance(self.rho, torch.Tensor) else 1.0
        return super().finish(oracle, g, {n: factor * t for n, t in e.items()}, state)


class Anonymous(Ball):
    __doc__ = ""


FAULTS = {
    Anonymous: ("test_says_what_it_is", "a docstring to the class"),
    TooLong: (
        "test_offset_is_as_long_as_the_radius",
        r"perturbs by \|e\| = 0.0505 to 0.0505, where rho says 0.05",
    ),
    Shifts: (
        "test_radius_0_is_the_base_optimizer",
        "moves w otherwise than the base optimizer does, although rho = 0.0",
    ),
    Fixed: ("test_groups_scale_its_perturbations", "declare scales = False"),
    Undeclared: (
        "test_counted_passes_are_the_declared_ones",
        "takes 3 gradient evaluations a step, and declares passes = 2",
    ),
    Keeps: ("test_resumes_bit_for_bit", "remembers something outside its state"),
    Global: ("test_same_seed_same_weights", "two runs with one seed differ"),
    Python: ("test_draws_from_the_oracle_alone", "the global generator of random"),
    Syncs: ("test_waits_for_no_accelerator", "reads a value on the host"),
    Decides: ("test_waits_for_no_accelerator", "declare dynamic = True"),
    Shapes: ("test_waits_for_no_accelerator", "makes a shape from data"),
    Device: ("test_waits_for_no_accelerator", "names a device"),
    InPlace: ("test_changes_no_input", "changes a tensor of the oracle in place"),
    UsesUp: ("test_changes_no_input", "changes a tensor of the oracle in place"),
    Aliases: ("test_changes_no_input", "shares memory with the weights"),
    Partial: ("test_changes_no_input", "has no direction for first.bias"),
    Flattens: ("test_changes_no_input", r"its direction for .* is \(\d+,\), the weight is \("),
    Overwrites: ("test_metrics_change_nothing", "writes into a gradient that metrics keep"),
    Twice: ("test_state_keeps_its_structure", "not of the form that init made"),
    Grows: ("test_state_keeps_its_structure", "not of the form that init made"),
    Wanders: (
        "test_equal_phases_ask_alike",
        r"steps 0 and 2 are both of phase 0 and ask for other things \(grad, grad; grad, loss, gr",
    ),
    Alone: ("test_replicas_agree", "depends on this process's losses"),
    Host: ("test_lanes_are_single_runs", "branches on a value"),
    Rounds: ("test_radius_may_be_a_tensor", "rho as a 0-d tensor gives other weights"),
    Divides: ("test_zero_gradients", "divides by the norm of a gradient that is zero"),
    Kicks: ("test_zero_gradients", "moves w although all gradients are zero"),
    Statistics: ("test_one_scalar_is_a_model", "not finite where the model is one number"),
}
"""a rule with one fault -> the check that finds it, and what that says of the rule"""


@pytest.fixture
def on_trial(monkeypatch):
    """Registers a rule for one test only."""
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    monkeypatch.setattr(registry, "_infos", dict(registry._infos))
    return variants.register("on_trial", title="on trial")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rule", FAULTS, ids=lambda rule: rule.__name__)
def test_catches(on_trial, rule):
    """And says so in words about the method."""
    check, told = FAULTS[rule]
    on_trial(rule)
    suite = type("Suite", (VariantConformance,), {"name": "on_trial"})()
    method = getattr(suite, check)
    given = {"variant": suite._create(), "base": sgd}
    with pytest.raises(AssertionError, match=told):
        method(**{name: given[name] for name in inspect.signature(method).parameters})


class TestBall(VariantConformance):
    """What a plug-in author writes; the faultless rule passes."""

    name = "on_trial"

    @pytest.fixture(autouse=True)
    def _registered(self, on_trial):
        on_trial(Ball)
