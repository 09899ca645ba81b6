"""What every variant has to hold, in float64 on the CPU: see `VariantConformance`."""

import contextlib
import io
import random
import sys
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar
from unittest import mock

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses import fake_tensor
from torch.nn import functional as F

from variants.core import registry
from variants.core.protocol import Hyperparameter, Tree, Variant
from variants.driver.batch import Selection
from variants.driver.sharpness_aware import SharpnessAware
from variants.driver.trace import Trace
from variants.testing.memory import extra_copies
from variants.testing.oracle import Replica, Step, leaves, simulate
from variants.testing.problem import TOTAL_STEPS, Base, OnPurposeError, Run, adamw, sgd

SAME_MATHS = 1e-10  # relative: the same formula in another order, or a stabiliser of 1e-12
STABILISED = (
    1e-5  # relative: some published codes add 1e-7 to a norm of gradients, and ours do then
)

BASES = pytest.mark.parametrize("base", [sgd, adamw])
MODELS = ("test_resnet", "test_vit", "test_efficientnet")  # BatchNorm, LayerNorm, depthwise


class VariantConformance:
    """Subclass it as `class TestMine(VariantConformance): name = "mine"` and run pytest.

    The attributes declare where a rule differs by intent from a ball of its radius around w.
    """

    name: ClassVar[str]
    """the registry key"""
    hyperparameters: ClassVar[Mapping[str, object]] = MappingProxyType({})
    """not the defaults, e.g. a short period where the default outlasts a test of 60 steps"""
    zero: ClassVar[Mapping[str, object] | None] = MappingProxyType({})
    """what has to be set beside radius 0 to get the base optimizer; None if nothing does"""
    length: ClassVar[float | None] = 1.0
    """|e| in units of the radius; None if the length is not fixed"""
    slack: ClassVar[float] = 1.0
    """by how many samples of a batch the counted cost of a step may miss the declared one"""

    @pytest.fixture
    def variant(self) -> Variant:
        return self._create()

    def _create(self, **others: object) -> Variant:
        return registry.create(self.name, **{**self.hyperparameters, **others})

    @property
    def _radius(self) -> str | None:
        return registry.info(self.name).radius

    def test_says_what_it_is(self) -> None:
        about = registry.info(self.name)
        assert about.title and about.doc, "give a title to register and a docstring to the class"
        for name, declared in about.hyperparameters.items():
            declared.check(name, declared.default)
            _check_range(name, declared)

    @BASES
    def test_radius_0_is_the_base_optimizer(self, base: Base) -> None:
        if self.zero is None:
            pytest.skip("declared: radius 0 is another rule than the base optimizer")
        radius = {} if self._radius is None else {self._radius: 0.0}
        bare = Run(registry.create("plain"), base).step(6)
        zero = {**radius, **self.zero}
        told = ", ".join(f"{name} = {value}" for name, value in zero.items()) or "it has no radius"
        same(
            Run(self._create(**zero), base).step(6).weights(),
            bare.weights(),
            SAME_MATHS,
            f"moves w otherwise than the base optimizer does, although {told} (where that is "
            "meant, declare `zero`)",
        )

    def test_offset_is_as_long_as_the_radius(self, variant: Variant) -> None:
        if self.length is None or self._radius is None:
            pytest.skip("declared: the length of the offset is not fixed by one hyperparameter")
        run = Run(variant)
        lengths = [float(run.step().opt.last["radius"]) for _ in range(12)]
        used = [n for n in lengths if n > 0]  # NaN: no perturbed pass in that step
        assert used, "perturbs nothing in 12 steps"
        expected = self.length * getattr(variant, self._radius)
        assert used == pytest.approx([expected] * len(used), rel=STABILISED), (
            f"perturbs by |e| = {min(used):.4g} to {max(used):.4g}, where {self._radius} says "
            f"{expected:.4g} (where that is meant, declare `length`)"
        )

    def test_groups_scale_its_perturbations(self, variant: Variant) -> None:
        """One radius in all groups is the variant's own; or `scales` says that it is not."""
        if getattr(variant, "rho", None) is None and variant.scales:
            pytest.skip("has no rho")
        run = Run(variant)
        for group in run.opt.param_groups:
            group["rho"] = 2 * getattr(variant, "rho", 0.05)
        if not variant.scales:
            with pytest.raises(ValueError, match="not proportional to a rho"):
                run.step()
            return
        twice = _with_radius(variant, 2 * getattr(variant, "rho", 0.0))
        same(
            run.step(6).weights(),
            Run(twice).step(6).weights(),
            SAME_MATHS,
            "twice its rho in every parameter group is another rule than twice its own: where its "
            "perturbations are not proportional to rho, declare scales = False",
        )

    def test_counted_passes_are_the_declared_ones(self, variant: Variant) -> None:
        size = 8
        run = Run(variant, size=size)
        counted = [float(run.step().opt.last["passes"]) for _ in range(TOTAL_STEPS)]
        mean = sum(counted) / len(counted)
        assert mean == pytest.approx(variant.passes, abs=self.slack / size + SAME_MATHS), (
            f"takes {mean:.4g} gradient evaluations a step, and declares passes = "
            f"{variant.passes:.4g}"
        )

    def test_needs_the_declared_memory(self, variant: Variant) -> None:
        """Peak memory beyond the base optimizer's, in copies of the parameters."""
        declared = registry.info(self.name).copies
        if declared is None:
            pytest.skip("declares no copies")
        found = extra_copies(variant)
        assert found == pytest.approx(declared, abs=0.1), (
            f"needs {found:.1f} copies of the parameters at its peak, and registers {declared:.1f}"
        )

    @BASES
    def test_resumes_bit_for_bit(self, variant: Variant, base: Base) -> None:
        run = Run(variant, base).step(4)
        memory = run.memory()
        wanted = run.step(5).weights()
        forgets = "goes on differently from a checkpoint: it remembers something outside its state"
        identical(run.recall(memory).step(5).weights(), wanted, forgets)
        file = io.BytesIO()
        torch.save(memory, file)
        file.seek(0)
        fresh = Run(self._create(), base, seed=99).recall(torch.load(file))
        identical(fresh.step(5).weights(), wanted, forgets)

    def test_same_seed_same_weights(self, variant: Variant) -> None:
        first = Run(variant, seed=3).step(8).weights()
        torch.rand(3)  # the global generator is elsewhere now
        random.random()
        identical(
            Run(variant, seed=3).step(8).weights(),
            first,
            "two runs with one seed differ: it draws noise otherwise than by oracle.normal and "
            "oracle.uniform, or remembers something outside its state",
        )

    def test_draws_from_the_oracle_alone(self, variant: Variant) -> None:
        run, before = Run(variant), _generators()
        run.step(8)
        for which, state in before.items():
            assert _generators()[which] == state, (
                f"draws from the global generator of {which}, not by the oracle"
            )

    @pytest.mark.filterwarnings("ignore")  # of tracing; what matters raises
    def test_waits_for_no_accelerator(self, variant: Variant) -> None:
        """On a make-believe GPU, where values do not exist: no sync, no shape made from data."""
        steps = _two_of_each_phase(variant)
        with fake_tensor.FakeTensorMode(allow_non_fake_inputs=True):
            seed = torch.zeros((), dtype=torch.float64, device="cuda")
            for answer in (True, False) if variant.dynamic else (None,):
                with _explained():
                    taken = list(simulate(variant, steps, seed, answer=answer))
                tensors = list(leaves([(update, state) for _, update, state, _ in taken]))
                assert all(t.device.type == "cuda" for t in tensors), "a tensor on the CPU"

    def test_changes_no_input(self, variant: Variant) -> None:
        for oracle, _, state, _ in _simulated(variant):
            assert not oracle.changed(), "the rule changes a tensor of the oracle in place"
            assert not _memory(state) & _memory([oracle.params, oracle.momentum]), (
                "the state shares memory with the weights or the momentum, which the base "
                "optimizer changes in place: clone it"
            )

    def test_metrics_change_nothing(self, variant: Variant) -> None:
        """They keep gradients, which the rule then cannot use up."""
        observed, alone = Run(variant), Run(variant)
        observed.opt.metrics, alone.opt.metrics = True, False
        with _whole_gradients():
            weights = observed.step(8).weights()
        identical(
            alone.step(8).weights(),
            weights,
            "goes elsewhere where `last` has metrics: it reads what it has used up",
        )

    def test_clipping_leaves_the_state_alone(self, variant: Variant) -> None:
        """A hook that clips the direction in place does what one that replaces it does."""

        def run(hook: Callable[[Tensor], Tensor]) -> Run:
            def clip(base: torch.optim.Optimizer, *_: object) -> None:
                for p in base.param_groups[0]["params"]:
                    p.grad = hook(p.grad)

            clipped = Run(self._create())
            clipped.opt.base.register_step_pre_hook(clip)
            return clipped.step(8)

        identical(
            run(lambda d: d.mul_(0.5)).weights(),
            run(lambda d: d * 0.5).weights(),
            "what it remembers changes when the direction is clipped in place: clone it",
        )

    def test_replicas_agree(self, variant: Variant) -> None:
        """Processes with a gradient in common and losses of their own go in one direction."""
        for step in _two_of_each_phase(variant):
            for answer in (True, False) if variant.dynamic else (None,):
                agreed: list[Tensor] = []
                updates = []
                for rank in range(2):
                    oracle = Replica(step, rank, agreed, answer=answer)
                    updates.append(variant.direction(oracle, variant.init(oracle.params)))
                first, second = (list(leaves(update)) for update in updates)
                assert all(map(torch.equal, first, second)), (
                    "the direction depends on this process's losses: use oracle.average"
                )

    def test_state_keeps_its_structure(self, variant: Variant) -> None:
        for oracle, _, state, _ in _simulated(variant):
            wanted, found = _structure(variant.init(oracle.params)), _structure(state)
            assert found == wanted, (
                f"its state after step {oracle.step} is not of the form that init made: {found}, "
                f"not {wanted}"
            )

    def test_equal_phases_ask_alike(self, variant: Variant) -> None:
        """A phase is one CUDA graph: its steps make the same calls, with the same shapes."""
        if variant.dynamic:
            pytest.skip("declared: dynamic")
        asked: dict[Hashable, tuple[int, list]] = {}
        for oracle, *_ in _simulated(variant):
            phase = variant.phase_of(oracle.step, oracle.total_steps)
            first, calls = asked.setdefault(phase, (oracle.step, oracle.calls))
            assert calls == oracle.calls, (
                f"steps {first} and {oracle.step} are both of phase {phase!r} and ask for other "
                f"things ({_told(calls)}; {_told(oracle.calls)}): tell them apart in `phase`, or "
                "declare dynamic = True"
            )

    def test_lanes_are_single_runs(self, variant: Variant) -> None:
        """Under torch.vmap, as a fleet runs trials, each lane is the run it would be alone."""
        if variant.dynamic:
            pytest.skip("declared: dynamic")
        radius = self._radius

        def final(seed: Tensor, factor: Tensor) -> Tree:
            value = {radius: getattr(variant, radius) * factor} if radius else {}
            return [p for *_, p in simulate(self._create(**value), range(7), seed)][-1]

        seeds = torch.arange(2, dtype=torch.float64)
        factors = torch.tensor([1.0, 0.5], dtype=torch.float64)
        with _explained():
            lanes = torch.vmap(final)(seeds, factors)
        for i in range(2):
            lane = {name: t[i] for name, t in lanes.items()}
            same(
                lane,
                final(seeds[i], factors[i]),
                SAME_MATHS,
                "runs under torch.vmap differ from the same runs alone",
            )

    def test_radius_may_be_a_tensor(self, variant: Variant) -> None:
        if self._radius is None:
            pytest.skip("no radius")
        rho = torch.tensor(getattr(variant, self._radius), dtype=torch.float64)
        scheduled = Run(self._create(**{self._radius: rho}))
        same(
            scheduled.step(6).weights(),
            Run(variant).step(6).weights(),
            SAME_MATHS,
            f"{self._radius} as a 0-d tensor gives other weights than the same number",
        )

    def test_zero_gradients(self, variant: Variant) -> None:
        run = Run(variant)
        start = run.weights()
        still = run.step(3, weight=0.0).weights()
        assert _finite(run), "divides by the norm of a gradient that is zero: use ops.ball"
        identical(still, start, "moves w although all gradients are zero")
        for _ in range(2):
            assert _finite(run.step(6)), "is not finite in the steps after gradients that were zero"
            run.step(1, weight=0.0)

    def test_frozen_tensor(self, variant: Variant) -> None:
        run = Run(variant)
        frozen = run.model.get_parameter("first.weight").requires_grad_(False)
        start = run.weights()
        moved = _moved(run.step(6).weights(), start)
        assert "first.weight" not in moved, "moves a weight that does not train"
        assert not (left := set(start) - moved - {"first.weight"}), (
            f"does not move {', '.join(sorted(left))} while another weight is frozen"
        )
        frozen.requires_grad_(True)
        assert _moved(run.step(2).weights(), start) == set(start), (
            "does not move a weight that trains again"
        )
        assert _finite(run), "is not finite once a frozen weight trains again"

    def test_one_sample(self, variant: Variant) -> None:
        assert _finite(Run(variant, size=1).step(6)), "is not finite on a batch of one sample"

    def test_one_scalar_is_a_model(self, variant: Variant) -> None:
        w = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
        model = nn.Module()
        model.register_parameter("w", w)
        opt = SharpnessAware(sgd(model), variant, model, total_steps=TOTAL_STEPS)
        x = torch.linspace(0.5, 1.5, 8, dtype=torch.float64)
        for _ in range(6):
            opt.step(lambda rows: (w * x[rows]).square())
        assert opt.skipped == 0, "is not finite where the model is one number"
        assert float(w.detach()) not in (0.0, 1.0), "does not move the model of one number"

    def test_weights_come_back(self, variant: Variant) -> None:
        """With learning rate 0 a step leaves every bit of the weights, also if the loss raises."""
        run = Run(variant, lambda model: torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.9))
        start = run.weights()
        identical(run.step(6).weights(), start, "moves w although the learning rate is 0")
        for call in (1, 2, 3):
            with contextlib.suppress(OnPurposeError):
                run.step(fail_at=call)
            identical(run.weights(), start, f"leaves w perturbed when evaluation {call} fails")

    @pytest.mark.parametrize("model", MODELS)
    def test_trains_timm(self, variant: Variant, model: str) -> None:
        """float32, real layers: finite weights, buffers move once a step, w is un-perturbed."""
        timm = pytest.importorskip("timm")
        size = {"img_size": 32} if "vit" in model else {}
        net = timm.create_model(model, num_classes=3, **size).train()
        opt = SharpnessAware(sgd(net), variant, net, total_steps=TOTAL_STEPS)
        rng = torch.Generator().manual_seed(5)
        x, y = torch.randn(8, 3, 32, 32, generator=rng), torch.arange(8) % 3
        buffers: list[list[Tensor]] = []

        def losses(rows: Selection) -> Tensor:
            found = F.cross_entropy(net(x[rows]), y[rows], reduction="none")
            buffers.append([b.clone() for b in net.buffers()])
            return found

        for lr in (0.01, 0.01, 0.0):
            buffers.clear()
            start = {n: p.detach().clone() for n, p in net.named_parameters()}
            opt.param_groups[0]["lr"] = lr
            opt.step(losses)
            weights = {n: p.detach() for n, p in net.named_parameters()}
            whole = all(bool(w.isfinite().all()) for w in weights.values())
            assert opt.skipped == 0 and whole, f"is not finite on {model} in float32"
            assert all(map(torch.equal, net.buffers(), buffers[0])), (
                "BatchNorm statistics are not those of the first evaluation of the step"
            )
            assert bool(_moved(weights, start)) == (lr > 0), (
                f"{'does not move' if lr else 'moves'} w at learning rate {lr}"
            )


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Says in words what FakeTensorMode refuses."""
    try:
        yield
    except fake_tensor.DataDependentOutputException as error:
        raise AssertionError(
            "the rule reads a value on the host: use torch.where, or oracle.decide and "
            "dynamic = True"
        ) from error
    except fake_tensor.DynamicOutputShapeException as error:
        raise AssertionError("the rule makes a shape from data: use topk or a mask") from error
    except fake_tensor.FakeTensorDeviceMismatchError as error:
        raise AssertionError("the rule names a device: use zeros_like and the like") from error
    except RuntimeError as error:
        if "vmap" not in str(error):
            raise
        raise AssertionError(
            "the rule branches on a value or reads it on the host, which no lane of a fleet can: "
            "use torch.where"
        ) from error


def _simulated(variant: Variant, steps: Iterable[int] = range(12)) -> Iterator[Step]:
    """Steps on the CPU, through both branches of a rule that decides."""
    seed = torch.zeros((), dtype=torch.float64)
    for answer in (True, False) if variant.dynamic else (None,):
        yield from simulate(variant, steps, seed, answer=answer, watch=True)


def _told(calls: Iterable[tuple]) -> str:
    """What a step asked its oracle for, e.g. "grad, loss of 4 rows"."""
    return ", ".join(f"{what} of {rows} rows" if rows else what for what, _, rows in calls)


def _two_of_each_phase(variant: Variant) -> list[int]:
    seen: Counter = Counter()
    chosen: list[int] = []
    for step in range(TOTAL_STEPS):
        phase = variant.phase_of(step, TOTAL_STEPS)
        seen[phase] += 1
        if seen[phase] <= 2:
            chosen.append(step)
    return chosen[:12]


def _check_range(name: str, declared: Hyperparameter) -> None:
    for bound in declared.range or ():
        declared.check(name, declared.kind(bound))


def _generators() -> dict[str, object]:
    """The states of the global random generators."""
    states = {"torch": torch.get_rng_state().tolist(), "random": random.getstate()}
    if "numpy" in sys.modules:
        states["numpy"] = repr(sys.modules["numpy"].random.get_state())
    return states


def _memory(value: object) -> set[int]:
    return {t.untyped_storage().data_ptr() for t in leaves(value) if t.numel()}


def _structure(value: object) -> object:
    """Names, types, shapes and dtypes: what a state may not change."""
    if isinstance(value, Tensor):
        return tuple(value.shape), value.dtype
    if isinstance(value, Mapping):
        return {name: _structure(v) for name, v in value.items()}
    return [_structure(v) for v in value] if isinstance(value, list | tuple) else type(value)


def _moved(found: Tree, start: Tree) -> set[str]:
    return {name for name, t in start.items() if not torch.equal(found[name], t)}


def _finite(run: Run) -> bool:
    """Whether no step was skipped, and weights and states are finite."""
    floats = [t for t in leaves(run.memory()) if t.is_floating_point()]
    return run.opt.skipped == 0 and all(bool(t.isfinite().all()) for t in floats)


def _with_radius(variant: Variant, rho: float) -> Variant:
    inner = getattr(variant, "inner", None)
    if isinstance(inner, Variant) and "rho" not in variant.hyperparameters():
        return registry.changed(variant, inner=_with_radius(inner, rho))
    return registry.changed(variant, rho=rho)


def same(found: Tree, wanted: Tree, tolerance: float, else_: str) -> None:
    """Asserts equality up to `tolerance`, relative to the largest weight, or says `else_`."""
    size = max(float(t.abs().max()) for t in wanted.values())
    gap = max(float((found[n] - t).abs().max()) for n, t in wanted.items())
    assert gap <= tolerance * size, (
        f"{else_}: weights differ by {gap:.1e}, the largest is {size:.1e}"
    )


def identical(found: Tree, wanted: Tree, else_: str) -> None:
    """Asserts equality in every bit, or says `else_`."""
    for name, t in wanted.items():
        gap = (found[name] - t).abs().max()
        assert torch.equal(found[name], t), f"{else_}: {name} differs by {gap:.1e}"


@contextlib.contextmanager
def _whole_gradients() -> Iterator[None]:
    """AssertionError if a gradient is not as it came when the metrics of its step are computed."""
    saw, settle, came = Trace.saw, Trace.settle, list[tuple[Tree, Tree]]()

    def noting(trace: Trace, losses: Tensor | None, grads: Tree, *rest: Any, **how: bool) -> None:
        came.append((grads, {n: g.clone() for n, g in grads.items()}))
        saw(trace, losses, grads, *rest, **how)

    def checking(trace: Trace) -> None:
        for now, then in came:
            assert all(torch.equal(now[n], g) for n, g in then.items()), (
                "writes into a gradient that metrics keep, by another tree with its tensors"
            )
        came.clear()
        settle(trace)

    with mock.patch.object(Trace, "saw", noting), mock.patch.object(Trace, "settle", checking):
        yield
