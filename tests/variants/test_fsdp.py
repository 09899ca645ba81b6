"""fully_shard (FSDP2) in two real processes: equal to one process on the whole batch.

Not in every bit: the mean of a batch is here the mean of two means, a norm the root of two sums.
"""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.distributed.fsdp import FSDPModule

import variants
from variants.driver.descent import Descent
from variants.testing import problem

NAMES = variants.names()
WHOLE = [name for name in NAMES if variants.info(name).whole]
FEW = ["plain", "sam", "sampa", "vasso"]
STEPS = 4
SAME = 1e-12  # relative to the way


@pytest.fixture
def trained(processes):
    """[rank][case][variant]"""
    return processes("shards.py")


@pytest.fixture
def alone(training, settings):
    """name -> training in one process, as the ranks train together."""

    def make(name, **options):
        model = problem.Tiny()
        model.temperature = nn.Parameter(model.temperature.detach().reshape(1))
        whole = {"gamma": 1.0} if name in ("esam", "k_sam") else {}
        rule = settings.create(name, **whole)
        return training(rule, dtype=torch.float64, model=model, **options)

    return make


def way(t, weights):
    return torch.cat([(weights[n] - p).flatten() for n, p in t.start.items()])


def check(results, t, settings, tolerance=SAME):
    """All ranks have the same weights, those of `t`."""
    first, second = results
    assert all(torch.equal(w, second["weights"][n]) for n, w in first["weights"].items())
    assert settings.gap(way(t, first["weights"]), t.moved()) < tolerance


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_equal_one(name, trained, alone, settings):
    if name in WHOLE:
        return
    t = alone(name).step(STEPS)
    results = [ranks["train"][name] for ranks in trained]
    check(results, t, settings)
    assert results[0]["passes"] == pytest.approx(t.opt.passes)
    assert results[0]["norm"] == pytest.approx(float(t.opt.gradient_norm))


@pytest.mark.parametrize("name", WHOLE)
def test_rules_that_need_whole_tensors_say_so(name, trained):
    for ranks in trained:
        assert ranks["refusals"][name].startswith(f"{name} needs whole tensors, as to rank")
        assert "\n" not in ranks["refusals"][name]


def test_the_readme_names_those_that_refuse():
    text = (Path(variants.__file__).parent / "README.md").read_text()
    listed = " and ".join([", ".join(f"`{n}`" for n in WHOLE[:-1]), f"`{WHOLE[-1]}`"])
    assert f"every rule but {listed}" in " ".join(text.split())


@pytest.mark.parametrize("name", FEW)
def test_with_adamw_a_clip_and_layers_that_are_frozen_for_a_while(name, trained, alone, settings):
    t = alone(name, clip=0.5, base=lambda p: torch.optim.AdamW(p, lr=0.01)).step()
    t.model.norm.requires_grad_(False)
    t.step()
    t.model.norm.requires_grad_(True)
    t.step(2)
    check([ranks["adamw"][name] for ranks in trained], t, settings)


@pytest.mark.parametrize("name", FEW)
def test_a_fused_base_skips_on_the_device(name, trained, alone, settings, monkeypatch):
    monkeypatch.setattr(Descent, "waits", lambda self, device: False)
    t = alone(name, base=lambda p: torch.optim.AdamW(p, lr=0.01, fused=True)).step(2)
    t.step(1, lambda f: lambda rows: f(rows) * float("inf")).step(1)
    results = [ranks["on_device"][name] for ranks in trained]
    check(results, t, settings)
    assert [r["skipped"] for r in results] == [1, 1]


@pytest.mark.parametrize("name", FEW)
def test_a_pass_never_sees_weights_that_were_gathered_before(name, trained, alone, settings):
    """Not where the model keeps them whole after its forward and backward passes."""
    results = [ranks["kept_whole"][name] for ranks in trained]
    t = alone(name).step(STEPS)
    check(results, t, settings)
    if name == "sam":  # seen: in an evaluation, then two micro-batches at w, and two at w + e
        evaluated, *clean, second, third = results[0]["seen"][:5]
        w = results[0]["before"]["last.weight"]
        assert all(torch.equal(seen, w) for seen in (evaluated, *clean))
        assert torch.equal(second, third) and not torch.equal(second, w)


@pytest.mark.parametrize("name", FEW)
def test_loops_that_reduce_gradients_at_the_last_micro_batch(name, trained, alone, settings):
    check([ranks["loops"][name] for ranks in trained], alone(name).step(STEPS), settings)


def test_scripts_of_two_calls(trained, alone, settings):
    check([ranks["two calls"] for ranks in trained], alone("sam").step(STEPS), settings)


@pytest.mark.parametrize("name", FEW)
def test_mixed_precision(name, trained, alone, settings):
    """bfloat16 has 8 bits: its passes are near those of float64, and no nearer."""
    results = [ranks["precise"][name] for ranks in trained]
    t = alone(name).step(STEPS)
    check(results, t, settings, tolerance=2e-2)
    assert settings.gap(way(t, results[0]["weights"]), t.moved()) > 1e-6


@pytest.mark.parametrize("name", FEW)
def test_a_mesh_that_replicates_too(name, trained, alone, settings):
    check([ranks["hybrid"][name] for ranks in trained], alone(name).step(STEPS), settings)


@pytest.mark.parametrize("name", FEW)
def test_batchnorm_a_scaler_and_an_overflow_on_one_rank(name, trained):
    """As synced replicas: BatchNorm sees a process's own rows, and moves once a step."""
    for ranks in trained:
        shards, replicas = ranks["spoiled"][name], ranks["replicas"][name]
        for n, w in replicas["weights"].items():
            torch.testing.assert_close(shards["weights"][n], w, rtol=1e-12, atol=1e-12)
        for n, b in replicas["buffers"].items():
            torch.testing.assert_close(shards["buffers"][n], b, rtol=1e-12, atol=1e-12)
        for key in ("steps", "skipped", "scale", "passes"):
            assert shards[key] == replicas[key]
        assert shards["skipped"] == 1 and shards["scale"] == 2.0**9
        assert shards["buffers"]["1.num_batches_tracked"] == 3


@pytest.mark.skipif(not hasattr(FSDPModule, "reset_iter_state"), reason="torch cannot recover")
def test_a_closure_that_raises_leaves_the_weights_and_a_model_that_trains_on(
    trained, alone, settings
):
    results = [ranks["failing"] for ranks in trained]
    for found in results:
        assert all(torch.equal(w, found["after"][n]) for n, w in found["before"].items())
    check(results, alone("sam").step(STEPS), settings)


def test_a_judge_that_another_optimizer_trains_gets_the_gradient_at_w(trained):
    for ranks in trained:
        found, expected = ranks["judged"]["found"], ranks["judged"]["expected"]
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["vasso", "le_sam", "sampa"])
def test_a_checkpoint_goes_on_in_another_number_of_processes(name, trained, alone, settings):
    t = alone(name, base=lambda p: torch.optim.AdamW(p, lr=0.01)).step(STEPS)
    found = [ranks["checkpoints"][name] for ranks in trained]
    check([one["on two"] for one in found], t, settings)
    assert found[0]["steps"] == STEPS
    assert settings.gap(way(t, found[0]["on one"]), t.moved()) < SAME


def test_shards_of_another_kind_are_refused(trained):
    for ranks in trained:
        said = ranks["refusals"]
        for ascent in ("local", "alone"):
            assert f"ascent is '{ascent}': say SharpnessAware(..., ascent='synced')" in said[ascent]
        assert said["tensor parallel"].startswith("first.weight is cut otherwise than by fully_sh")
        assert said["partly"].startswith("temperature is whole on every process, and others are")
        for what, line in (("fused", "_fused_sgd_"), ("ranking", "")):
            assert said[what].startswith("the rule or the base optimizer needs what torch cannot")
            assert line in said[what] and "\n" not in said[what]
        assert "not supported, use torch.distributed.fsdp.fully_shard" in said["FSDP1"]
