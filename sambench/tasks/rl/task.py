"""The task `rl`: a policy that learns what to do in an environment of gymnasium, by PPO."""

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, model_validator

from sambench.config import (
    Broken,
    Count,
    IfSet,
    Nonnegative,
    Share,
    Split,
    Table,
    Task,
    Text,
    kinds,
    one_line,
)
from sambench.errors import UserError, echo
from sambench.scores import Score

if TYPE_CHECKING:
    from torch import Tensor

    from sambench.tasks.contents import Contents
    from sambench.tasks.trainer import Brief, Trainer

RETURN = Score(name="return", unit="return", direction="maximize", items="values")
"""sum of rewards of an episode; mean over evaluation episodes"""
SPREAD = Score(name="return_sd", unit="return", direction="minimize")
"""standard deviation over those episodes"""
LATE = Score(name="late_return", unit="return", direction="maximize", items="values")
MEAN = Score(name="mean_return", unit="return", direction="maximize", items="values")
LATEST = 5
"""late is the last of so many parts of a run"""
EPISODES = 10
"""of an evaluation, where the study does not say"""


class MLP(Table):
    """A network of the policy, and another one of the same size for the values of states."""

    width: Annotated[int, Field(ge=1, le=65536)] = 64
    depth: Annotated[int, Field(ge=0, le=100)] = 2
    activation: Literal["tanh", "relu"] = "tanh"


class PPO(Table):
    """Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347), by the names and at
    the defaults of stable-baselines3, except that 8 environments play the 2048 steps of a rollout.
    """

    n_envs: Annotated[int, Field(ge=1, le=10_000)] = 8
    """environments that are played side by side, in one process"""
    n_steps: Count = 256
    """that each of them plays before the policy is updated; what they saw is a rollout"""
    n_epochs: Count = 10
    """passes over a rollout, in batches of `train.batch_size` steps"""
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.99
    """what a reward is worth a step later"""
    gae_lambda: Annotated[float, Field(ge=0, le=1)] = 0.95
    """of generalised advantage estimation"""
    clip_range: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """how far the probability of an action may move, as a share of it, before it pays no more"""
    ent_coef: Nonnegative = 0.0
    """weight of the policy's entropy in the loss"""
    vf_coef: Nonnegative = 0.5
    """weight of the squared error of the values of states"""
    normalize_advantage: bool = True
    """over each batch, before a variant selects rows of it"""


@kinds.register("rl")
class ReinforcementLearning(Task):
    """An environment of gymnasium, and a policy that PPO of stable-baselines3 trains there.

    What SAM perturbs are all weights of both networks, in one ball, and what it ascends and
    descends along is the gradient of PPO's whole loss (clipped policy loss, entropy and value loss)
    on one batch of a rollout. Advantages, old probabilities and returns are those that the
    unperturbed policy had when it played: no pass of a step plays anew.

    An epoch is a number of rollouts with their updates, and an evaluation after them. Whatever the
    variant, it plays as many steps; what it costs more are gradient evaluations.
    """

    item: ClassVar[str] = "episode"
    trains_itself: ClassVar[bool] = True
    of_runs: ClassVar[tuple[str, ...]] = (LATE.name, MEAN.name)
    goes_by: ClassVar[frozenset[str] | None] = frozenset(
        {
            "epochs",
            "batch_size",
            "base",
            "base_args",
            "momentum",
            "nesterov",
            "betas",
            "schedule",
            "schedule_args",
            "warmup_epochs",
            "yields",
            "weight_decay",
            "decay_norm_and_bias",
            "clip",
        }
    )

    dataset: Text
    """the environment's id in gymnasium, such as `"CartPole-v1"`, `"Acrobot-v1"` or
    `"LunarLander-v3"`: observations are vectors, actions of any kind"""
    label_noise: Share = 0.0
    """none: there are no labels"""
    split: Split = Split(val=EPISODES, test=EPISODES)
    """`val` and `test`: episodes of an evaluation, on other seeds; those of `test` never move"""
    model: Text = "mlp"
    """`"mlp"`; its `model_args` are `width` 64, `depth` 2, `activation` `"tanh"` (or `"relu"`)"""
    rollouts: Count = 1
    """of an epoch"""
    ppo: PPO = PPO()
    """below"""
    objective: IfSet[Text] = LATE.name
    """the score that decides: `"late_return"`, the mean over the evaluations of the last fifth of a
    run, since returns swing from one update to the next; `"mean_return"`, over all of them, which
    rewards who learns early; or `"return"`, of the last weights alone"""

    @model_validator(mode="after")
    def _has_episodes_alone(self) -> Self:
        if self.label_noise:
            raise Broken("an environment has no labels; leave it out", "label_noise")
        if self.split.train is not None:
            rule = "an environment has no training set: val and test are evaluation episodes"
            raise Broken(rule, "split", "train")
        return self

    @property
    def known(self) -> tuple[Score, ...]:
        return (RETURN, SPREAD, LATE, MEAN)

    @property
    def rollout(self) -> int:
        """Environment steps of one."""
        return self.ppo.n_envs * self.ppo.n_steps

    @property
    def drawn(self) -> str:
        return "validation episodes, initial weights and what is played"

    @property
    def detail(self) -> str:
        return f" by PPO, {self.rollouts * self.rollout:,} environment steps an epoch"

    @property
    def episodes(self) -> Mapping[str, int]:
        """Of an evaluation, by subset."""
        return {"val": self.split.val or EPISODES, "test": self.split.test or EPISODES}

    def of_run(
        self, rows: Sequence[Mapping[str, float]], subset: str, epochs: int
    ) -> Mapping[str, float]:
        return _averaged([row[f"{subset}_{RETURN.name}"] for row in rows])

    def items_of_run(self, items: "Sequence[Mapping[str, Tensor]]") -> "Mapping[str, Tensor]":
        return _averaged([each[RETURN.name] for each in items]) if items else {}

    def meaning(self, epochs: int) -> str:
        over = {
            LATE.name: "averaged over the evaluations after each epoch of the last fifth of a run",
            MEAN.name: "averaged over the evaluations after each epoch of a run",
            RETURN.name: "after the last epoch",
        }[self.objective]
        steps = epochs * self.rollouts * self.rollout
        return (
            f"the sum of rewards of an episode, whose actions are the policy's likeliest, {over}, "
            f"of {self.episodes['test']} episodes each. A run of length 1 plays {steps:,} "
            "environment steps; the cost of a run counts gradient evaluations alone."
        )

    def check_data(self) -> None:
        from sambench.tasks.rl import environments

        environments.check(self.dataset)

    def check_model(self) -> None:
        self.network()

    def contents(self, cache: Path | None = None) -> "Contents":
        from sambench.tasks.contents import fingerprint
        from sambench.tasks.rl import environments

        return {"environment": fingerprint(environments.told(self.dataset).encode())}

    def trainer(self, brief: "Brief") -> "Trainer":
        from sambench.tasks.rl import environments

        environments.check(self.dataset)
        from sambench.tasks.rl.learner import Learner  # needs stable-baselines3, which is there

        return Learner(self, brief)

    def network(self) -> MLP:
        """UserError where there is none."""
        if self.model != "mlp":
            raise UserError(
                f"task.model: no model {echo(self.model)} of policies; the nearest is mlp"
            )
        try:
            return MLP.model_validate(self.model_args)
        except ValidationError as error:
            raise UserError(f"task.model_args.{one_line(error)}") from None


def _averaged(returns: Sequence[Any]) -> dict[str, Any]:
    """Of an evaluation after each epoch, a number or (n,): over the last of them, and over all."""
    late = returns[-ceil(len(returns) / LATEST) :]
    found = {LATE.name: late, MEAN.name: returns}
    return {name: sum(own[1:], own[0]) / len(own) for name, own in found.items()}
