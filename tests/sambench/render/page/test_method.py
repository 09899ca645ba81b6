"""The protocol in words, with the study's own numbers."""

from collections.abc import Callable

from sambench.analysis import PublishedStudy
from sambench.records import Records
from sambench.render.page.method import method

Study = Callable[..., PublishedStudy]
Make = Callable[..., Records]
WIN = {"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, "sam": 0.90}


def test_task_and_training(study: Study):
    found = method(study(WIN).leaderboard)
    assert found[0] == (
        "Task: test_resnet on digits at 16 pixels (train 797, val 400, test 600). 40% of training "
        "and validation labels are wrong, test labels are clean: a model that is always right "
        "scores about 60% on validation data."
    )
    assert found[1] == (
        "Training: sgd, 10 epochs at length 1, batch size 64, cosine schedule, weight decay "
        "0.0005, augmentation none. A run yields the weights after the last epoch."
    )
    assert not [line for line in found if line.startswith("Also")]


def test_what_differs_from_the_defaults_is_named(study: Study):
    leaderboard = study(WIN).leaderboard
    spec = leaderboard.header["spec"]
    spec["task"] |= {"label_noise": 0.0, "image_size": None, "split": {}}
    spec["train"] |= {"ema": 0.99, "yields": "best"}
    found = method(leaderboard)
    assert found[0] == "Task: test_resnet on digits (the default split)."
    assert found[1].endswith("the weights of the epoch with the best validation score.")
    assert found[2] == "Also: ema 0.99."


def test_an_environment_has_neither_split_nor_augmentation(study: Study):
    leaderboard = study(WIN).leaderboard
    spec, size = leaderboard.header["spec"], {"val": 10, "test": 10}
    spec["task"] = {"kind": "rl", "dataset": "CartPole-v1", "split": size, "model": "mlp"}
    spec["search"] |= {"margin": 5.0}
    task, training, *told = method(leaderboard)
    assert task.endswith("2,048 environment steps an epoch (val 10, test 10 episodes).")
    assert training.endswith("weight decay 0.0005. A run yields the weights after the last epoch.")
    drawn = "streams of validation episodes, initial weights and what is played; its number"
    assert any(drawn in line for line in told)


def test_rules_of_a_pool_have_the_studys_numbers(study: Study):
    told = " ".join(method(study(WIN, search={"margin": 0.5, "searches": 6}).leaderboard))
    assert "Budget: 8 full runs of plain" in told and "its budget affords in 6 searches" in told
    assert "t with 11 degrees of freedom" in told and "by more than 0.5 points" in told


def test_an_adaptive_sampler_says_why_it_ranks_nothing(study: Study):
    search = {"sampler": "tpe", "pruner": "hyperband"}
    told = " ".join(method(study(WIN, search=search).leaderboard))
    assert "Optuna's tpe with the pruner hyperband, within 8 full runs" in told
    assert "ranks nothing" in told and "Pool:" not in told
