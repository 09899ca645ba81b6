"""Policies: PPO as stable-baselines3 has it, the environments that it can play, and what fails."""

import importlib.util
import math
import sys
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO as UntouchedPPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import Logger
from torch import nn

import variants
from sambench import config, records
from sambench.config import Split, Train
from sambench.errors import UserError
from sambench.render.program import settings, snippet
from sambench.study.run import run_study
from sambench.tasks.rl import ReinforcementLearning
from sambench.tasks.rl.learner import Learner
from sambench.tasks.rl.task import PPO
from sambench.tasks.testing import TrainerConformance
from sambench.tasks.trainer import Brief

TINY = PPO(n_envs=2, n_steps=16, n_epochs=2)
EPISODES = Split(val=2, test=2)
TRAIN = Train(epochs=2, batch_size=16)
SPEC: dict[str, Any] = {
    "name": "pole",
    "variants": ["plain"],
    "variant": [{"name": "sam", "fix": {"rho": 0.05}}],
    "task": {
        "kind": "rl",
        "dataset": "CartPole-v1",
        "split": {"val": 2, "test": 2},
        "ppo": TINY.model_dump(),
    },
    "train": {"epochs": 2, "batch_size": 16, "base": "adam", "weight_decay": 0.0, "clip": 0.5},
    "search": {"lr": 0.001, "margin": 10.0},
    "confirm": {"seeds": 2},
}
TASKS = {
    "discrete": ReinforcementLearning(dataset="CartPole-v1", split=EPISODES, ppo=TINY),
    "continuous": ReinforcementLearning(
        dataset="Pendulum-v1",
        split=Split(val=1, test=1),
        ppo=TINY,
        model_args={"width": 8, "activation": "relu"},
        objective="mean_return",
    ),
}


@pytest.mark.parametrize("name", TASKS)
class TestConformance(TrainerConformance):
    train = TRAIN

    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.task = TASKS[name]


def optimizer(key="plain", **hyperparameters):
    def made(model: nn.Module, steps: int) -> variants.SharpnessAware:
        base = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-5)
        rule = variants.create(key, **hyperparameters)
        return variants.SharpnessAware(base, rule, model, total_steps=steps, clip=0.5)

    return made


def brief(epochs: int = 2, lr: float = 1e-3, **given: Any) -> Brief:
    streams = {"split": 5, "labels": 0, "init": 3, "order": 7}
    rate = lambda steps: lambda step: lr * (1 - step / steps)  # noqa: E731
    return Brief(TRAIN, epochs, streams, "cpu", optimizer(**given), rate)


@pytest.mark.parametrize("name", ["CartPole-v1", "Acrobot-v1", "LunarLander-v3", "Pendulum-v1"])
def test_plain_is_stable_baselines3_itself(name: str):
    """Actions, updates, advantages, rates and clipping: the same weights but for the order of sums,
    as the loss is a mean of sums here and a sum of means there."""
    asked = PPO(n_envs=2, n_steps=32, n_epochs=3, ent_coef=0.01, gae_lambda=0.8)
    task = ReinforcementLearning(dataset=name, ppo=asked, rollouts=2)
    ours = Learner(task, brief())
    for epoch in range(2):
        ours.train_epoch(epoch)

    torch.manual_seed(3)
    theirs = UntouchedPPO(
        "MlpPolicy",
        make_vec_env(name, 2),
        learning_rate=lambda left: 1e-3 * (left + 1 / 4),  # the 4 rollouts begin at 1, 3/4, ...
        batch_size=16,
        **asked.model_dump(exclude={"n_envs"}),
        device="cpu",
    )
    theirs.set_logger(Logger(None, []))  # else it leaves a folder in the temporary one
    torch.manual_seed(7)
    before = np.random.get_state()
    np.random.seed(7)
    theirs.env.seed(7)
    theirs.learn(4 * 64)
    np.random.set_state(before)
    assert theirs.num_timesteps == ours._ppo.num_timesteps == 256
    for one, other in zip(ours.evaluated.parameters(), theirs.policy.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=1e-4)
    ours.close()


def test_a_policy_that_gives_no_numbers_has_diverged():
    learner = Learner(TASKS["discrete"], brief())
    learner.train_epoch(0)
    with torch.no_grad():
        next(learner.evaluated.parameters()).fill_(math.nan)
    assert math.isnan(learner.train_epoch(1)["train_loss"])
    assert all(map(math.isnan, learner.score("val").values.values()))
    learner.close()


def test_a_policy_that_holds_the_pole_is_seen_to():
    """Pushes to where the pole falls: by hand, whatever PPO learns."""
    task = ReinforcementLearning(dataset="CartPole-v1", model_args={"depth": 0})
    learner = Learner(task, brief())
    policy = learner.evaluated.action_net
    with torch.no_grad():
        policy.weight.copy_(torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.1, 0.5, 4.0, 1.0]]))
        policy.bias.zero_()
    assert learner.score("test").values == {"return": 500, "return_sd": 0}
    learner.close()


def test_a_run_is_scored_by_its_last_fifth_or_by_all_of_it():
    task = TASKS["discrete"]
    rows = [{"epoch": i + 1.0, "val_return": float(i)} for i in range(11)]
    assert task.of_run(rows, "val", 11) == {"late_return": 9.0, "mean_return": 5.0}
    assert task.of_run(rows[:1], "val", 11) == {"late_return": 0.0, "mean_return": 0.0}
    episodes = [{"return": torch.tensor([i, 10.0 + i])} for i in range(11)]
    found = task.items_of_run(episodes)
    assert {name: each.tolist() for name, each in found.items()} == {
        "late_return": [9.0, 19.0],
        "mean_return": [5.0, 15.0],
    }


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("CartPole", "no environment 'CartPole', did you mean CartPole-v1"),
        ("Blackjack-v1", "shows Tuple, and the policies here take vectors"),
        ("CarRacing-v3", r"shows Box \(96, 96, 3\)"),
        ("os:system", "no environment 'os:system'"),
        ("ALE/Pong-v5", "and none of 'ALE/': install their package, and import it"),
    ],
)
def test_an_environment_that_cannot_be_played_is_one_line(name: str, told: str):
    with pytest.raises(UserError, match=told):
        ReinforcementLearning(dataset=name).check_data()


def test_what_is_not_installed_is_named(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "stable_baselines3", None)
        with pytest.raises(UserError, match=r"needs stable_baselines3.*pip install 'sambench"):
            TASKS["discrete"].check_data()
    if importlib.util.find_spec("mujoco") is None:
        with pytest.raises(UserError, match="HalfCheetah-v5 needs what is not installed: MuJoCo"):
            ReinforcementLearning(dataset="HalfCheetah-v5").check_data()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"train": {"mixup": 0.5}}, "train.mixup: means nothing to a task of kind 'rl'"),
        ({"train": {"engine": "graph"}}, "train.engine: means nothing"),
        ({"task": {"label_noise": 0.5}}, "task.label_noise: an environment has no labels"),
        ({"task": {"split": {"train": 5}}}, "task.split.train: an environment has no training set"),
        ({"task": {"ppo": {"n_step": 5}}}, "task.ppo.n_step: unknown key, did you mean n_steps"),
        ({"task": {"objective": "accuracy"}}, "task.objective: unknown value 'accuracy', .*return"),
        ({"measure": {"names": ["curvature"]}}, "measures are not taken of a task of kind 'rl'"),
    ],
)
def test_what_means_nothing_here_is_refused(change: dict[str, Any], told: str):
    changed = {key: {**SPEC.get(key, {}), **value} for key, value in change.items()}
    with pytest.raises(UserError, match=told):
        config.parse({**SPEC, **changed})


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A whole one, of 8 runs."""
    root = tmp_path_factory.mktemp("rl")
    return run_study(SPEC, root=root, wandb="disabled", workers=1, device="cpu")


def test_a_study_ranks_by_the_late_return(study):
    frame = study.to_frame()
    assert [*frame["arm"]] and set(frame["arm"]) == {"plain", "plain-x0.5", "plain-x2", "sam"}
    rows = records.read(study.records)
    assert [score["name"] for score in rows.header["scores"]] == [
        "return",
        "return_sd",
        "late_return",
    ]
    runs = rows.frame.set_index("variant")
    cost = runs.groupby("variant")["gradient_evaluations"].first()
    assert (cost["sam"], cost["plain-x2"]) == (2 * cost["plain"], 2 * cost["plain"])
    assert (runs["outcome"] == "complete").all() and (runs["test_late_return"] > 0).all()
    of_episodes = [
        (run.num_items, records.unpack_numbers(run.items["late_return"])) for run in rows.records
    ]
    assert all(num == len(found) == 2 for num, found in of_episodes)
    means = [float(found.mean()) for _, found in of_episodes]
    assert means == pytest.approx(runs["test_late_return"].tolist(), rel=1e-6)
    page = study.page.read_text()
    assert "another test set adds the test-set SE" in page
    assert "32 environment steps an epoch" in page and "averaged over the evaluations" in page


def test_best_gives_the_setting_and_says_why_no_program(study):
    rows = records.read(study.records)
    assert settings(rows, "sam")["hyperparameters"] == {"rho": 0.05}
    with pytest.raises(UserError, match="of kind rl, whose training no program here can spell"):
        snippet(rows, "sam")


def test_a_model_of_ones_own_has_no_place(tmp_path):
    with pytest.raises(UserError, match="model=: a task of kind 'rl' brings its own"):
        run_study(SPEC, model=nn.Linear, root=tmp_path, wandb="disabled", workers=1)


def test_a_batch_that_does_not_divide_a_rollout_is_told_before_any_run(tmp_path):
    odd = {**SPEC, "train": {**SPEC["train"], "batch_size": 10}}
    with pytest.raises(UserError, match=r"train\.batch_size: must divide the 32 steps"):
        run_study(odd, root=tmp_path, wandb="disabled", workers=1)
