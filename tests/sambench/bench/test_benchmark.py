"""A benchmark of seconds: who takes part, what is counted, that all do the same work."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

import variants
from sambench.bench import Settings, benchmark, competitors, epochs, measure
from sambench.bench.ratios import costs
from sambench.bench.work import Pupil, Work
from sambench.errors import UserError
from variants.driver.descent import Descent
from variants.graphs import recorder
from variants.sam import SAM
from variants.testing.tape import Tape

TINY = {"batch_size": 8, "image_size": 8, "device": "cpu", "rounds": 1}
NAMES = ("plain", "sam", "esam", "looksam")


@pytest.fixture(scope="module")
def work() -> Work:
    return benchmark._work(Settings(**TINY), "cpu", 2)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(benchmark.PACES, "cpu", replace(benchmark.PACES["cpu"], outside=1))


def test_every_part_is_measured():
    pytest.importorskip("pytorch_optimizer")
    bench = measure(Settings(variants=NAMES, **TINY))
    first, second = bench.variants
    passes = {t.name: t.passes for t in (*first, *second)}
    peers = ("pytorch_optimizer's SAM", "two-pass loop by hand")
    assert [t.name for t in first] == ["plain", "sam", *peers]
    assert [t.name for t in second] == ["plain", "esam", "looksam"]
    assert [passes[name] for name in ("plain", "sam", *peers)] == [1, 2, 2, 2]
    assert 1 < passes["esam"] < 2 and passes["looksam"] == pytest.approx(1.2)
    assert [t.name for t in bench.outside] == ["2 bare passes", "sam", *peers]
    assert [t.passes for t in bench.outside] == [2, 2, 2, 2]
    assert [(t.name, t.passes) for t in bench.loops] == [("bare loop", 1), ("suite's loop", 1)]
    assert not bench.notes and bench.versions["pytorch_optimizer"]


def test_a_missing_peer_is_left_out_with_a_note(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(competitors, "PEER", "no_such_peer")
    bench = measure(Settings(**TINY))
    assert [t.name for t in bench.variants[0]] == ["plain", "sam", "two-pass loop by hand"]
    assert len(bench.outside) == 3 and "no_such_peer" in bench.notes[0]


def test_bf16_runs_everywhere():
    bench = measure(Settings(variants=("asam",), amp="bf16", **TINY))
    assert [t.name for t in bench.variants[1]] == ["plain", "asam"] and bench.amp == "bf16"


def test_memory_grows_by_copies_of_the_parameters():
    found = {c.name: c for c in costs(measure(Settings(**TINY))).variants}
    assert found["plain"].copies == 0 and found["plain"].memory == 1
    assert 0.3 < (found["sam"].copies or 0) < 1.1  # the backup, in the room of small activations


def test_all_three_sams_take_the_same_steps(work: Work, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("pytorch_optimizer")
    pupils: list[Pupil] = []

    class Seen(Pupil):
        def __init__(self, work: Work) -> None:
            super().__init__(work)
            pupils.append(self)

    monkeypatch.setattr(competitors, "Pupil", Seen)
    entries: list[Callable[[Work], competitors.Competitor] | None] = [
        competitors.variant(SAM(rho=0.05), "ours"),
        competitors.peer(0.05),
        competitors.two_passes(0.05),
    ]
    for entry in entries:
        assert entry
        competitor = entry(work)
        for _ in range(3):
            competitor.run()
    ours, *others = ([p.detach() for p in pupil.model.parameters()] for pupil in pupils)
    start = [p.detach() for p in work.model.parameters()]
    assert not torch.equal(ours[0], start[0])
    for other in others:
        torch.testing.assert_close(other, ours, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"model": "test_resnt"}, "--model: timm has no model 'test_resnt'; did you mean"),
        ({"variants": ("smm",)}, "--variants: unknown variant 'smm'; did you mean"),
        ({"device": "gpu"}, "--device: unknown device 'gpu'"),
        ({"model": "test_vit", "image_size": 1}, "--model: test_vit"),
        ({"engine": "graph"}, "--engine: graph needs a CUDA device; the nearest is eager"),
    ],
)
def test_what_cannot_run_is_refused(change: dict, line: str):
    with pytest.raises(UserError, match=line.replace("?", r"\?")):
        measure(Settings(**{**TINY, **change}))


# --- graphs; a tape stands in for CUDA's, see variants/testing/tape.py


@pytest.fixture
def taped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "of", Tape)

    def waits(self: Descent, device: torch.device) -> bool:
        return not self.base.param_groups[0]["fused"] or not self.base.state

    monkeypatch.setattr(Descent, "waits", waits)


def test_graphs_take_the_same_steps(work: Work, taped: None, monkeypatch: pytest.MonkeyPatch):
    pupils: list[Pupil] = []

    class Seen(Pupil):
        def __init__(self, work: Work) -> None:
            super().__init__(work)
            pupils.append(self)

    monkeypatch.setattr(competitors, "Pupil", Seen)
    graph = replace(work, train=work.train.model_copy(update={"engine": "graph"}))
    for each in (work, graph):
        competitor = competitors.variant(SAM(rho=0.05), "sam")(each)
        for _ in range(4):
            competitor.run()
        assert competitor.passes() == 8
    eager, ours = ([p.detach() for p in pupil.model.parameters()] for pupil in pupils)
    torch.testing.assert_close(ours, eager, rtol=1e-4, atol=1e-6)


def test_epochs_beside_their_passes(work: Work, taped: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(epochs, "IMAGES", 32)
    monkeypatch.setattr(epochs, "_busy", lambda run, work: run() or 0.9)
    graph = replace(work, train=work.train.model_copy(update={"engine": "graph"}))
    plain, sam = epochs.measure(graph, {"plain": variants.create("plain"), "sam": SAM(rho=0.05)})
    assert (plain.name, sam.name, sam.images, sam.busy) == ("plain", "sam", 32, 0.9)
    assert len(sam.epoch_s) == len(sam.ceiling_s) == 3 and min(sam.ceiling_s) > 0


def test_overlapping_kernels_count_once():
    assert epochs.covered([(5, 6), (0, 2), (1, 3), (1, 2)]) == 4
    assert epochs.covered([]) == 0
