"""The conformance suite catches what it is there to catch: rules with one fault each."""

import inspect
import random

import pytest
import torch

import variants
from variants import Update, Variant, hyper
from variants.core import registry
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
        g["first.bias"].mul_(2)
        return update, state


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


FAULTS = {
    TooLong: "test_offset_is_as_long_as_the_radius",
    Shifts: "test_radius_0_is_the_base_optimizer",
    Undeclared: "test_counted_passes_are_the_declared_ones",
    Keeps: "test_resumes_bit_for_bit",
    Global: "test_same_seed_same_weights",
    Python: "test_draws_from_the_oracle_alone",
    Syncs: "test_waits_for_no_accelerator",
    Decides: "test_waits_for_no_accelerator",
    Shapes: "test_waits_for_no_accelerator",
    Device: "test_waits_for_no_accelerator",
    InPlace: "test_changes_no_input",
    Aliases: "test_changes_no_input",
    Grows: "test_state_keeps_its_structure",
    Wanders: "test_equal_phases_ask_alike",
    Alone: "test_replicas_agree",
    Host: "test_lanes_are_single_runs",
    Divides: "test_zero_gradients",
    Statistics: "test_one_scalar_is_a_model",
}


@pytest.fixture
def on_trial(monkeypatch):
    """Registers a rule for one test only."""
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    monkeypatch.setattr(registry, "_infos", dict(registry._infos))
    return variants.register("on_trial", title="on trial")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("rule", "check"), FAULTS.items(), ids=lambda v: v if isinstance(v, str) else v.__name__
)
def test_catches(on_trial, rule, check):
    on_trial(rule)
    suite = type("Suite", (VariantConformance,), {"name": "on_trial"})()
    method = getattr(suite, check)
    given = {"variant": suite._create(), "base": sgd}
    with pytest.raises((AssertionError, RuntimeError)):
        method(**{name: given[name] for name in inspect.signature(method).parameters})


class TestBall(VariantConformance):
    """What a plug-in author writes; the faultless rule passes."""

    name = "on_trial"

    @pytest.fixture(autouse=True)
    def _registered(self, on_trial):
        on_trial(Ball)
