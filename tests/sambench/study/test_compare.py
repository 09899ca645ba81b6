"""A training function of the caller's own, as a study."""

from io import StringIO
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torch import nn
from torch.nn.functional import cross_entropy

import sambench
from sambench import records
from sambench.errors import UserError, WorkFailed

X = torch.randn(80, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] * X[:, 1] > 0).long()
CALLS: list[tuple[int, float, int]] = []


@pytest.fixture
def call(tmp_path: Path):
    CALLS.clear()

    def compare(train, variants=("sam",), **options):
        quiet = {"wandb": "disabled", "console": Console(quiet=True)}
        return sambench.compare(train, variants, root=tmp_path, **quiet | options)

    return compare


def fit(optimizer, seed: int, epochs: int, lr: float = 0.1):
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    head = model[2]
    groups = [{"params": model[0].parameters()}, {"params": head.parameters(), "lr": 2 * lr}]
    opt = optimizer(torch.optim.SGD(groups, lr=lr, momentum=0.9), model)
    for _ in range(epochs):
        opt.step(lambda: cross_entropy(model(X[:40]), Y[:40]))
    CALLS.append((seed, opt.param_groups[0]["lr"], epochs))
    return model, opt


def recipe(optimizer, seed: int) -> float:
    model, _ = fit(optimizer, seed, 3)
    return (model(X[40:]).argmax(1) == Y[40:]).float().mean().item()


def told(optimizer, seed: int, epochs: int = 4) -> dict[str, torch.Tensor]:
    model, _ = fit(optimizer, seed, epochs)
    right = model(X).argmax(1) == Y
    return {"val": right[40:60], "test": right[60:]}


def test_a_variant_that_cannot_act_on_the_model_is_told(call, capsys: pytest.CaptureFixture[str]):
    """There and on the page; here no layer normalises."""
    found = call(recipe, ["sam", "sam_on"], seeds=5)
    told = "sam_on perturbs no weight of your model: every step is plain's, at 2 gradient evaluati"
    assert next(line for line in found.warnings if "perturb" in line).startswith(told)
    assert f"sambench: {told}" in capsys.readouterr().err


def test_a_recipe_is_compared_at_its_own_settings(call, tmp_path: Path):
    found = call(recipe, ["sam", "asam"], seeds=5)
    assert found.kind == "fixed"
    assert {row.label: row.cost.ratio for row in found.rows} == {"plain": 1, "sam": 2, "asam": 2}
    read = records.read(tmp_path / "test_compare" / "records.csv")
    frame = read.frame
    assert not read.damages
    assert set(frame["lr"]) == {0.1}
    assert set(frame.loc[(frame["variant"] == "sam").to_numpy(), "rho"]) == {0.05}
    by_arm = frame.groupby("variant", observed=True)["seed_init"].agg(tuple)
    assert len(set(by_arm)) == 1 and len(set(by_arm.iloc[0])) == 5  # paired
    assert {seed for seed, _, _ in CALLS} == set(by_arm.iloc[0])
    assert read.header["own"]["training"].endswith("test_compare.recipe")
    assert read.header["own"]["model"] == "Sequential, 58 weights"
    assert "SGD, momentum 0.9" in read.header["own"]["optimizer"]
    assert read.header["test_runs"] == 15


def test_what_ran_is_not_repeated(call):
    call(recipe, seeds=5)
    CALLS.clear()
    found = call(recipe, ["sam", "usam"], seeds=6)  # a seed more and another variant
    assert len(CALLS) == 2 + 6
    assert {row.label for row in found.rows} == {"plain", "sam", "usam"}


def test_the_baseline_trains_at_three_lengths_if_the_recipe_is_told_epochs(call):
    call(told, seeds=2)
    assert sorted({epochs for _, _, epochs in CALLS}) == [2, 4, 8]
    call(told, seeds=2, epochs=1, name="short")
    assert {epochs for _, _, epochs in CALLS[-6:]} == {1, 2}  # half of 1 is no schedule


def test_learning_rate_and_radius_are_searched_by_validation_score(call, tmp_path: Path):
    found = call(told, ["sam"], lr=(0.01, 1.0), budget=4, searches=1, name="searched")
    frame = records.read(tmp_path / "searched" / "records.csv").frame
    pool, confirm = (frame[(frame["stage"] == s).to_numpy()] for s in ("pool", "confirm"))
    assert pool["lr"].between(0.01, 1).all() and pool["lr"].nunique() > 4
    assert pool["rho"].dropna().nunique() == 2
    assert pool["test_accuracy"].isna().all() and confirm["test_accuracy"].notna().all()
    assert set(confirm["num_items"]) == {20}
    assert {round(lr, 6) for _, lr, _ in CALLS} == set(frame["lr"].round(6))
    assert {row.label for row in found.rows} == {"plain-x0.5", "plain", "plain-x2", "sam"}


def test_the_other_groups_keep_their_share_of_the_rate(call):
    rates: list[tuple[float, float]] = []

    def shares(optimizer, seed: int):
        _, opt = fit(optimizer, seed, 1)
        rates.append((opt.param_groups[0]["lr"], opt.param_groups[1]["lr"]))
        return 0.5

    call(shares, seeds=2, lr=0.3)
    assert rates and all(pair == pytest.approx((0.3, 0.6)) for pair in rates)


def test_workers_train_as_this_process_does(call, tmp_path: Path):
    call(recipe, seeds=2, name="one")
    call(recipe, seeds=2, name="two", workers=2)
    one, two = (records.read(tmp_path / name / "records.csv").frame for name in ("one", "two"))
    assert one["test_accuracy"].tolist() == two["test_accuracy"].tolist()


def test_nan_is_a_diverged_run(call, tmp_path: Path):
    def lost(optimizer, seed: int) -> float:
        fit(optimizer, seed, 1)
        return float("nan")

    call(lost, seeds=2)
    frame = records.read(tmp_path / "test_compare" / "records.csv").frame
    assert set(frame["outcome"]) == {"diverged"} and frame["test_accuracy"].isna().all()


def test_another_recipe_under_the_same_name_is_refused(call):
    call(recipe, seeds=2, name="mine")
    with pytest.raises(UserError, match=r"own\.training"):
        call(told, seeds=2, name="mine")


def test_a_recipe_that_always_fails_ends_the_study_and_says_why(call, tmp_path: Path):
    def broken(optimizer, seed: int) -> float:
        fit(optimizer, seed, 1)
        raise LookupError("mine")

    with pytest.raises(WorkFailed) as ended:
        call(broken)
    trace = tmp_path / "test_compare" / "runs" / "confirm-plain-p0-r4" / "error.txt"
    assert str(ended.value) == (
        f"plain: its first 5 runs failed, the last with LookupError: mine ({trace}); "
        "the same command tries again"
    )
    told = trace.read_text()
    assert 'raise LookupError("mine")' in told and "sambench: in confirm-plain-p0-r4" in told


def test_a_recipe_that_fails_once_is_run_again_by_the_same_call(call, tmp_path: Path):
    def unlucky(optimizer, seed: int) -> float:
        _, opt = fit(optimizer, seed, 1)
        if len(CALLS) == 3:
            raise LookupError("once")
        return 0.5 + 0.001 * opt.passes

    first = call(unlucky, seeds=5)
    assert "plain: 1 of 5 runs failed." in " ".join(first.warnings)
    again = call(unlucky, seeds=5)
    assert len(CALLS) == 11 and not again.warnings
    assert not list(tmp_path.glob("**/error.txt"))


def test_a_step_without_its_loss_says_what_to_write(call):
    with pytest.raises(WorkFailed, match=r"optimizer\.step\(lambda: loss"):
        call(no_closure)


def test_what_other_processes_cannot_import_has_one_worker(call):
    said = StringIO()
    call(lambda *given: recipe(*given), seeds=2, workers=2, console=Console(file=said, width=200))
    assert "1 worker: your training cannot be imported by others" in said.getvalue()


@pytest.mark.parametrize("workers", [1, 2])
def test_too_few_seeds_are_told_at_the_start(call, tmp_path: Path, workers: int):
    said = StringIO()
    found = call(
        recipe, seeds=2, workers=workers, console=Console(file=said, width=200), name="few"
    )
    assert "nothing will be concluded from 2 paired seeds" in said.getvalue()
    assert "plain" in repr(found) and str(tmp_path / "few" / "index.html") in repr(found)


def never(optimizer, seed: int) -> float:
    return 0.5


def no_step(optimizer, seed: int) -> float:
    fit(optimizer, seed, 0)
    return 0.5


def a_loss(optimizer, seed: int) -> float:
    fit(optimizer, seed, 1)
    return 2.3


def a_name(optimizer, seed: int) -> dict[str, float]:
    fit(optimizer, seed, 1)
    return {"tset": 0.5}


def too_early(optimizer, seed: int) -> dict[str, float]:
    model = nn.Linear(4, 2)
    base = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.optim.lr_scheduler.StepLR(base, 1)
    optimizer(base, model)
    return {"val": 0.5, "test": 0.5}


def twice(optimizer, seed: int) -> float:
    fit(optimizer, seed, 1)
    fit(optimizer, seed, 1)
    return 0.5


def no_model(optimizer, seed: int) -> float:
    optimizer(torch.optim.SGD(nn.Linear(4, 2).parameters(), lr=0.1))
    return 0.5


def backwards(seed: int, optimizer) -> float:
    return 0.5


def no_closure(optimizer, seed: int) -> float:
    model = nn.Linear(4, 2)
    optimizer(torch.optim.SGD(model.parameters(), lr=0.1), model).step()
    return 0.5


def needs_epochs(optimizer, seed: int, epochs: int) -> float:
    return 0.5


@pytest.mark.parametrize(
    ("train", "options", "told"),
    [
        (never, {}, "never asked for its optimizer"),
        (no_step, {}, "made no step"),
        (a_loss, {}, 'returned 2.3 as "test"'),
        (a_name, {}, "returned 'tset'"),
        (twice, {}, "twice"),
        (no_model, {}, r"call optimizer\(base, model\).*got \(SGD\)"),
        (backwards, {}, "in this order"),
        (too_early, {"lr": 0.2}, "scheduler before optimizer"),
        (needs_epochs, {}, "say how many"),
        (needs_epochs, {"epochs": 0.5}, "whole number >= 1"),
        (recipe, {"epochs": 5}, "no parameter `epochs`"),
        (recipe, {"lr": (0.1, 1.0)}, "budget=8"),
        (recipe, {"budget": 4}, 'no "val" score'),
        (recipe, {"seeds": 1}, "confirm.seeds: must be >= 2"),
        (lambda optimizer: 0.5, {}, r"must take \(optimizer, seed\)"),
        (0.5, {}, "must be a function"),
        (recipe, {"variants": ["sma"]}, "did you mean sam"),
        (recipe, {"variants": ["plain"]}, "at least one beside plain"),
        (recipe, {"worker": 2}, "unknown option 'worker', did you mean workers"),
        (recipe, {"variants": 3}, "list of names or tables"),
        (recipe, {"variants": [{"name": "sam", "space": {"rho": {}}}]}, "say budget=8"),
        (recipe, {"variants": ["ae_sam"]}, "total_steps"),
    ],
)
def test_bad_input(call, train, options: dict[str, object], told: str):
    with pytest.raises(UserError, match=told):
        call(train, **options)


def bandit(optimizer, seed: int) -> dict[str, float | torch.Tensor]:
    """A return: no bound, and below 0 throughout."""
    model, _ = fit(optimizer, seed, 3)
    rewards = model(X)[:, 0].detach() - 50
    return {"val": float(rewards[:40].mean()), "test": rewards[40:]}


RETURN = ("mean_return", "return", "maximize")


def test_a_study_may_go_by_any_score(call, tmp_path: Path):
    found = call(bandit, ["sam", "asam"], seeds=5, score=RETURN, margin=0.5)
    assert found.score.named("test") == "test mean return"
    scores = [row.score.value for row in found.rows]
    assert all(score < -40 for score in scores) and scores == sorted(scores, reverse=True)
    assert "mean return" in found.headline and "points" not in found.headline + found.advice
    read = records.read(tmp_path / "test_compare" / "records.csv")
    assert not read.damages and read.header["spec"]["task"]["kind"] == "own"
    run = next(run for run in read.records if run.stage == "confirm")
    items = records.unpack_numbers(run.items["mean_return"])
    assert run.num_items == 40 and run.test["mean_return"] == pytest.approx(items.mean())
    assert all(row.test_set_error > 0 for row in found.rows if not row.is_baseline)
    page = found.page.read_text()
    assert "| test mean return |" in page.replace("  ", " ").replace("  ", " ")
    assert "The score: test mean return; more is better." in page
    again = call(bandit, ["sam", "asam"], seeds=5, score=RETURN, margin=0.5)
    assert again.headline == found.headline and len(CALLS) == 15, "nothing ran again"


def test_what_cannot_be_a_score_is_refused(call):
    with pytest.raises(UserError, match="margin: say how much mean return may be given up"):
        call(bandit, score=RETURN)
    with pytest.raises(UserError, match="score must be a Score, or"):
        call(bandit, score=("mean_return", "return", "up"), margin=1.0)
    with pytest.raises(UserError, match="score must be a Score, or"):
        call(bandit, score=("mean_return", "return"), margin=1.0)
    with pytest.raises(UserError, match="error rate lies between 0 and 1"):
        call(bandit, score=("error_rate", "share", "minimize"), seeds=2)


def lost(optimizer, seed: int) -> float:
    fit(optimizer, seed, 1)
    return float("inf")


def test_a_score_that_is_not_finite_is_a_run_that_diverged(call):
    found = call(lost, score=("perplexity", "perplexity", "minimize"), margin=1.0, seeds=5)
    assert {outcome for row in found.rows for outcome, num in row.runs.items() if num} == {
        "diverged"
    }
