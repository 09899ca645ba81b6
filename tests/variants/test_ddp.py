"""DistributedDataParallel in two real processes, for every variant and both modes of ascent."""

import pytest
import torch

import variants

NAMES = variants.names()
WORLD = 2
SAME = 1e-9  # relative to the way
RANKS = range(WORLD)


@pytest.fixture
def trained(processes):
    """mode -> [rank][case][variant]"""
    return lambda mode: processes("replicas.py", mode)


@pytest.mark.parametrize("case", ["train", "spoiled"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["local", "synced"])
def test_ranks_agree_in_every_bit(mode, name, case, trained, settings):
    first, second = (ranks[case][name] for ranks in trained(mode))
    for key in ("weights", "state"):
        a, b = settings.flat(first[key]), settings.flat(second[key])
        assert a.keys() == b.keys() and all(torch.equal(v, b[k]) for k, v in a.items()), key
    for key in ("steps", "skipped"):
        assert first[key] == second[key]
    assert all(w.isfinite().all() for w in first["weights"].values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["local", "synced"])
def test_an_overflow_on_one_rank_skips_on_all(mode, name, trained):
    for ranks in trained(mode):
        result = ranks["spoiled"][name]
        assert result["skipped"] == 1 and result["scale"] == 2.0**9
        assert result["buffers"]["1.num_batches_tracked"] == result["steps"] == 3
        assert result["buffers"]["1.running_mean"].isfinite().all()


def alone(training, settings, name, **options):
    hyper = {"esam": {"gamma": 1.0}, "k_sam": {"gamma": 1.0}}.get(name, {})
    return training(settings.create(name, **hyper), dtype=torch.float64, **options)


def way(t, weights):
    return torch.cat([(weights[n] - p).flatten() for n, p in t.start.items()])


@pytest.mark.parametrize("name", NAMES)
def test_one_process_equals_two_in_synced_mode(name, trained, training, settings):
    if name == "sparse_sam_f":
        pytest.skip("its single samples are one of each process")
    t = alone(training, settings, name, noise=settings.constant).step(4)
    ranks = trained("synced")
    assert settings.gap(way(t, ranks[0]["train"][name]["weights"]), t.moved()) < SAME
    assert ranks[0]["train"][name]["passes"] == pytest.approx(t.opt.passes)


@pytest.mark.parametrize("name", NAMES)
def test_local_mode_is_m_sharpness(name, trained, training, settings):
    """Two processes of 4 rows equal one with micro-batches of 4 rows, where nothing is remembered.

    A remembered tree goes from one micro-batch to the next there, and is averaged here.
    """
    options = {"noise": settings.constant}
    if name != "sampa":
        options["accumulation"] = "m"
    t = alone(training, settings, name, **options)
    if name in ("sampa", "m_sam") or t.opt.variant.init(t.start):
        pytest.skip("it has a state, or no micro-batches")
    order = torch.cat([torch.arange(r, 8, WORLD) for r in RANKS])
    t.x, t.y = t.x[:, order], t.y[:, order]
    t.step(4, micro=4)
    assert settings.gap(way(t, trained("local")[0]["train"][name]["weights"]), t.moved()) < SAME


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["local", "synced"])
def test_whoever_runs_the_wrapped_model_or_the_bare_one(mode, name, trained):
    """The driver, the closure, both or neither; DDP before the optimizer or after it."""
    for ranks in trained(mode):
        expected = ranks["train"][name]["weights"]
        for who, weights in ranks["mixed"][name].items():
            assert all(torch.equal(w, expected[n]) for n, w in weights.items()), who


@pytest.mark.parametrize("name", ["plain", "sam", "vasso"])
@pytest.mark.parametrize("mode", ["local", "synced"])
def test_several_ddp_models_are_as_one(mode, name, trained, settings):
    first, second = (ranks["halves"][name] for ranks in trained(mode))
    assert torch.equal(first["two"], second["two"])
    assert settings.gap(first["two"], first["one"]) < 1e-12


@pytest.mark.parametrize("place", ["in", "apart"])
@pytest.mark.parametrize("mode", ["local", "synced"])
def test_what_another_optimizer_trains_gets_the_mean_gradient(mode, place, trained):
    """Of the first evaluation, be it in the same DDP model or in one of its own."""
    first, second = (ranks["judged"][place] for ranks in trained(mode))
    assert torch.equal(first["found"], second["found"])
    torch.testing.assert_close(first["found"], first["expected"], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", ["local", "synced"])
def test_replicas_that_would_drift_apart_are_refused(mode, trained):
    for ranks in trained(mode):
        said = ranks["refusals"]
        assert "2 processes, and no DistributedDataParallel holds what is trained" in said["nobody"]
        assert said["alone"] == ""
        assert "models of their own, and DistributedDataParallel" in said["alone in DDP"]
        assert said["partly"].startswith("1.weight differs between the processes")
        assert "1.weight on this process" in said["unused"]
        assert "find_unused_parameters=True" in said["unused"]
        assert "static_graph" in said["static graph"]


@pytest.mark.parametrize("name", ["plain", "sam", "looksam"])
@pytest.mark.parametrize("mode", ["local", "synced"])
def test_parameters_that_one_rank_reaches(mode, name, trained):
    first, second = (ranks["branches"][name]["weights"] for ranks in trained(mode))
    assert all(torch.equal(w, second[n]) for n, w in first.items())


def test_local_and_synced_differ_and_say_so(trained, training, settings):
    local, synced = (trained(mode)[0]["train"]["sam"]["weights"] for mode in ("local", "synced"))
    t = training("sam", dtype=torch.float64)
    assert settings.gap(way(t, local), way(t, synced)) > 1e-6
    assert t.opt.state_dict()["sharpness"]["ascent"] == "local"
    assert training("sam", ascent="synced").opt.state_dict()["sharpness"]["ascent"] == "synced"
    with pytest.raises(ValueError, match="ascent must be 'local', 'synced' or 'alone', got 'both'"):
        training("sam", ascent="both")
