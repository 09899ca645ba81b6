"""PPO of stable-baselines3 whose optimizer evaluates the loss itself, as often as its rule asks."""

import torch
from gymnasium.spaces import Discrete
from stable_baselines3 import PPO
from stable_baselines3.common.type_aliases import RolloutBufferSamples
from torch import Tensor

from variants import SharpnessAware


class SharpPPO(PPO):
    """`policy.optimizer` must be a `SharpnessAware` of the policy, which also clips.

    The loss is `PPO.train`'s of version 2.9, step by step of the rollout instead of its mean;
    without its clipping of values and its early stop by divergence, which are off there by default.
    """

    def update(self) -> list[Tensor]:
        """What `PPO.train` does with a rollout; the losses of each step's first evaluation."""
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        assert callable(self.clip_range)  # a function of progress, once the policy is set up
        clip = self.clip_range(self._current_progress_remaining)
        found = [
            self._step(batch, clip)
            for _ in range(self.n_epochs)
            for batch in self.rollout_buffer.get(self.batch_size)
        ]
        self._n_updates += self.n_epochs
        return found

    def _step(self, batch: RolloutBufferSamples, clip: float) -> Tensor:
        optimizer = self.policy.optimizer
        assert isinstance(optimizer, SharpnessAware)
        advantages = batch.advantages
        if self.normalize_advantage and len(advantages) > 1:  # before a rule selects rows
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        return optimizer.step(
            lambda rows: self._losses(batch, advantages, clip, rows), size=len(advantages)
        )

    def _losses(
        self, batch: RolloutBufferSamples, advantages: Tensor, clip: float, rows: Tensor | slice
    ) -> Tensor:
        """(rows,) of policy, entropy and value"""
        values, log_prob, entropy = self.policy.evaluate_actions(
            batch.observations[rows], self._actions(batch.actions[rows])
        )
        ratio = torch.exp(log_prob - batch.old_log_prob[rows])
        advantage = advantages[rows]
        gain = torch.min(advantage * ratio, advantage * ratio.clamp(1 - clip, 1 + clip))
        uncertain = -log_prob if entropy is None else entropy
        errors = (batch.returns[rows] - values.flatten()) ** 2
        return -gain - self.ent_coef * uncertain + self.vf_coef * errors

    def _actions(self, actions: Tensor) -> Tensor:
        """As the policy's distribution takes them."""
        return actions.long().flatten() if isinstance(self.action_space, Discrete) else actions
