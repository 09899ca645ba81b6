"""A run of PPO: rollouts with their updates, an epoch at a time, and evaluation episodes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import nan
from typing import TYPE_CHECKING

import numpy as np
import torch
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor, nn

from sambench.errors import UserError
from sambench.tasks.rl import environments
from sambench.tasks.rl.ppo import SharpPPO
from sambench.tasks.target import Scored
from sambench.tasks.trainer import Brief, Trainer

if TYPE_CHECKING:
    from sambench.tasks.rl.task import ReinforcementLearning

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU}
TEST_SEED = 0
"""of the first test episode; those of validation begin at the run's stream `split`"""


class Learner(Trainer):
    """The stream `init` draws the weights, `order` what is played and in which order it is learned.

    What Box2D and its like hold cannot be stored, so that a run that was interrupted begins anew.
    """

    def __init__(self, task: "ReinforcementLearning", brief: Brief) -> None:
        self._task, asked, batch = task, task.ppo, brief.train.batch_size
        if task.rollout % batch:
            raise UserError(
                f"train.batch_size: must divide the {task.rollout} steps of a rollout "
                f"(task.ppo: {asked.n_envs} environments of {asked.n_steps}), got {batch}"
            )
        updates = asked.n_epochs * (task.rollout // batch)
        self.steps_per_epoch = task.rollouts * updates
        rollouts = brief.epochs * task.rollouts
        rate = brief.rate(rollouts * updates)

        def rate_at(left: float) -> float:
            """What is left of the run as the share that is known once a rollout has been played."""
            return rate(updates * max(0, round((1 - left) * rollouts) - 1))

        network, order = task.network(), brief.streams["order"]
        torch.manual_seed(brief.streams["init"])
        self._ppo = SharpPPO(
            "MlpPolicy",
            environments.vector(task.dataset, asked.n_envs),
            learning_rate=rate_at,
            batch_size=batch,
            **asked.model_dump(exclude={"n_envs"}),
            policy_kwargs={
                "net_arch": [network.width] * network.depth,
                "activation_fn": ACTIVATIONS[network.activation],
            },
            device=brief.device,
        )
        self._optimizer = brief.optimizer(self._ppo.policy, rollouts * updates)
        self._ppo.policy.optimizer = self._optimizer
        self._ppo.set_logger(Logger(None, []))
        torch.manual_seed(order)
        self._numpy = np.random.RandomState(order).get_state()
        self._played.seed(order)
        _, self._callback = self._ppo._setup_learn(rollouts * task.rollout)
        self._seeds = {"val": brief.streams["split"], "test": TEST_SEED}
        self._evaluations: dict[str, VecEnv] = {}

    @property
    def evaluated(self) -> nn.Module:
        return self._ppo.policy

    def train_epoch(self, epoch: int) -> dict[str, float]:
        start = time.perf_counter()
        try:
            with self._numpy_as_left():
                losses = [each for _ in range(self._task.rollouts) for each in self._rollout()]
            loss = float(torch.cat(losses).mean())
        except (RuntimeError, ValueError):  # torch draws no action from probabilities that are NaN
            if self._gives_numbers():
                raise
            loss = nan
        seconds = time.perf_counter() - start
        returns = [episode["r"] for episode in self._ppo.ep_info_buffer or ()]
        return {
            "lr": self._optimizer.param_groups[0]["lr"],
            "train_loss": loss,
            "train_return": float(np.mean(returns)) if returns else nan,
            **{name: float(value) for name, value in self._optimizer.last.items()},
            "gradient_evaluations": self._optimizer.passes,
            "steps": (epoch + 1) * self.steps_per_epoch,
            "skipped_steps": float(self._optimizer.skipped),
            "step_time_s": seconds / self.steps_per_epoch,
            "environment_steps": self._ppo.num_timesteps,
            "environment_steps_per_s": self._task.rollouts * self._task.rollout / seconds,
        }

    def _rollout(self) -> list[Tensor]:
        """Plays one, and learns from it."""
        ppo = self._ppo
        ppo.collect_rollouts(self._played, self._callback, ppo.rollout_buffer, ppo.n_steps)
        ppo._update_current_progress_remaining(ppo.num_timesteps, ppo._total_timesteps)
        return ppo.update()

    def score(self, subset: str) -> Scored:
        """Of one episode on each seed, the same ones after every epoch."""
        if not self._gives_numbers():
            return Scored({"return": nan, "return_sd": nan}, {})
        num = self._task.episodes[subset]
        if subset not in self._evaluations:
            self._evaluations[subset] = environments.vector(self._task.dataset, num)
        played = self._evaluations[subset]
        played.seed(self._seeds[subset])
        returns, _ = evaluate_policy(
            self._ppo, played, num, deterministic=True, return_episode_rewards=True
        )
        values = {"return": float(np.mean(returns)), "return_sd": float(np.std(returns))}
        return Scored(values, {"return": torch.tensor(returns, dtype=torch.float32)})

    def close(self) -> None:
        for played in (self._played, *self._evaluations.values()):
            played.close()

    @property
    def _played(self) -> VecEnv:
        assert self._ppo.env is not None
        return self._ppo.env

    @torch.no_grad()
    def _gives_numbers(self) -> bool:
        """Whether the policy still does, for what it sees now."""
        policy, seen = self._ppo.policy, self._ppo._last_obs
        assert seen is not None
        features = policy.extract_features(policy.obs_to_tensor(seen)[0])
        assert isinstance(features, Tensor)  # of one extractor for both networks
        return bool(
            policy.action_net(policy.mlp_extractor.forward_actor(features)).isfinite().all()
        )

    @contextmanager
    def _numpy_as_left(self) -> Iterator[None]:
        """stable-baselines3 shuffles by numpy's global generator; here with a state of its own."""
        outside = np.random.get_state()
        np.random.set_state(self._numpy)
        try:
            yield
        finally:
            self._numpy = np.random.get_state()
            np.random.set_state(outside)
