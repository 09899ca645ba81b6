"""The reference engine: trains a model with a variant, epoch by epoch, and evaluates it."""

import time
import weakref
from collections.abc import Callable, Sequence
from itertools import zip_longest
from math import ceil
from typing import Any

import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn

import variants
from sambench.config import Train
from sambench.errors import UserError
from sambench.tasks import (
    Data,
    Samples,
    Scored,
    Shard,
    Trainer,
    judged,
    num_batches,
    scored,
    select,
)
from sambench.training import device, graph, memory_format, spent
from sambench.training.optimizers import base_optimizer, schedule, set_lr
from sambench.training.precision import autocast, scaler, tf32
from sambench.training.processes import World
from sambench.training.steps import Steps

EVAL_BATCH = 1024  # items; evaluation keeps no activations, so it takes larger batches

Loss = Callable[[Tensor, Tensor], Tensor]
"""(outputs (b, ...), what they should be (b, ...)) -> losses (b,)"""


def _weight(shard: Shard, num_rows: int) -> float:
    """Of this process's losses, so that every row of a batch counts the same; 1 if shares do."""
    if num_rows < shard.size:
        raise UserError(
            f"train.batch_size: {shard.size} processes need batches of as many items, "
            f"got {num_rows}"
        )
    return shard.weight(num_rows)


class Engine(Trainer):
    """One run's model, optimizer and data. Epochs and steps count from 0.

    scores: what it is evaluated by; None: by those of its data that are means over items
    replay: dropout draws the same masks in all passes of a step
    world: the processes that train it together, each on its share of every batch. Sums, scores and
        weights are the same on all of them, and so are buffers, those of the first, after an epoch
    """

    def __init__(
        self,
        train: Train,
        variant: variants.Variant,
        model: nn.Module,
        data: Data,
        *,
        lr: float,
        epochs: int,
        seed: int,
        order_seed: int,
        loss: Loss | None = None,
        scores: Sequence[str] | None = None,
        replay: bool = False,
        world: World = World(),
    ) -> None:
        self.train = train
        self.world = world
        self._shard = Shard(world.rank, world.size)
        self._weight = _weight(self._shard, min(train.batch_size, len(data.train)))
        self.model = model
        self.data = data
        self.device = data.train.device
        self.channels_last = memory_format.channels_last(train, model, self.device)
        if self.channels_last:
            model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.lr = lr
        self.order_seed = order_seed
        self.steps_per_epoch = num_batches(len(data.train), train.batch_size)
        self.total_steps = epochs * self.steps_per_epoch
        self._target = target = data.target
        self._scores = scores
        smoothing = train.label_smoothing
        self._loss: Loss = loss or (lambda outputs, y: target.losses(outputs, y, smoothing))
        self._factor = schedule(train, self.total_steps)
        wrapped = world.wrapped(model)
        self._forward: Callable[[Tensor], Tensor] = (
            torch.compile(wrapped) if train.compile else wrapped
        )
        self._steps = Steps(self.steps_per_epoch, self.device)
        self.average = None
        """running mean of weights and buffers, warmed up: a short run has no mean of its start"""
        if train.ema is not None:
            self.average = ModelEmaV3(model, train.ema, use_warmup=True)
        self.scaler = scaler(train, self.device)
        self.optimizer = variants.SharpnessAware(
            base_optimizer(train, model, lr),
            variant,
            wrapped,
            seed=seed,
            total_steps=self.total_steps,
            scaler=self.scaler,
            clip=train.clip,
            replay=replay,
            ascent=train.ascent if world.size > 1 else "alone",
        )
        self._graphed: variants.Graphed | None = None
        self._eval_batch = EVAL_BATCH
        self._has_stepped = False
        self.cut(train.micro_batch)

    def cut(self, at_once: int | None) -> None:
        """Takes steps in parts of so many items, whose gradients add up; None: whole."""
        self.at_once = at_once
        if self.train.engine == "graph":
            me = weakref.proxy(self)  # the engine owns its graphs, not they it
            self._graphed = graph.graphed(self.optimizer, lambda x, y: me._losses(x, y), at_once)

    @property
    def share(self) -> int:
        """Items of a batch that this process trains on, at most."""
        return ceil(min(self.train.batch_size, len(self.data.train)) / self.world.size)

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """One pass over the training set; its metrics, read from the device once at the end.

        train_loss and the score that the task watches are those of each step's first evaluation; of
        all steps are `loss_spikes`, `zero_gradients`, `perturbed_steps` and `idle_steps`, counted,
        and the quantiles of the first gradient's norm, see `Steps`; the other norms, the cosine,
        the rise, the radius and `lost` are those of the last step.
        """
        with tf32(self.train.tf32):
            return self._train_epoch(epoch)

    def _train_epoch(self, epoch: int) -> dict[str, float]:
        self.model.train()
        step = epoch * self.steps_per_epoch
        num_seen, lr = 0, 0.0
        loss_sum = watched = torch.zeros((), dtype=torch.float64, device=self.device)
        start = self._now()
        for x, y in self.data.epoch_batches(
            self.train, seed=self.order_seed, epoch=epoch, shard=self._shard
        ):
            lr = self._set_lr(step)
            is_last = step + 1 == (epoch + 1) * self.steps_per_epoch
            self.optimizer.metrics = self.optimizer.watch = is_last
            losses = self.step(x, y)
            total = losses.sum()
            loss_sum = loss_sum + total
            number = step - epoch * self.steps_per_epoch
            norm, rise = self.optimizer.gradient_norm, self.optimizer.last["rise"]
            self._steps.note(number, total / len(losses), norm, rise)
            watched = watched + self.optimizer.aux.sum()
            num_seen += len(losses)
            step += 1
        self.world.agree([m for m in (self.model, self.average) if m is not None])
        count = torch.tensor(num_seen, device=self.device)
        loss_sum, watched, count = self.world.sums(loss_sum, watched, count)
        num_seen = int(count)
        seconds, name = self._now() - start, self._target.watched
        last = {k: float(v) for k, v in self.optimizer.last.items()}
        return {
            "lr": lr,
            "train_loss": float(loss_sum) / num_seen,
            **({f"train_{name}": float(watched) / num_seen} if name else {}),
            **self.world.means(last | self._steps.summary()),
            "gradient_evaluations": self.optimizer.passes,
            "steps": step,
            "skipped_steps": float(self.optimizer.skipped),
            "step_time_s": seconds / self.steps_per_epoch,
            "items_per_s": num_seen / seconds,
        }

    def step(self, x: Any, y: Tensor) -> Tensor:
        """One step on a batch; the losses of its first evaluation, (b,)."""
        if self._has_stepped:
            return self._step(x, y)
        with spent.on("first_steps"):
            losses = self._step(x, y)
        self._has_stepped = True
        return losses

    def _step(self, x: Any, y: Tensor) -> Tensor:
        before = self.optimizer.steps
        losses = self._eager_step(x, y) if self._graphed is None else self._graphed(x, y)
        if self.average is not None and self.optimizer.steps > before:
            self.average.update(self.model, self.optimizer.steps)
        return losses if self._weight == 1 else losses / self._weight

    def _eager_step(self, x: Any, y: Tensor) -> Tensor:
        return self.optimizer.step(
            lambda rows: self._losses(select(x, rows), y[rows]), size=len(y), micro=self.at_once
        )

    def losses(self, x: Any, y: Tensor) -> Tensor:
        """Of a batch, (b,), by the model itself: neither compiled nor wrapped."""
        return self._loss(self._outputs(self.model, x), y)

    def _losses(self, x: Any, y: Tensor) -> tuple[Tensor, Tensor]:
        """Losses (b,), and the values of the watched score."""
        outputs = self._outputs(self._forward, x)
        losses = self._loss(outputs, y)
        weighted = losses if self._weight == 1 else losses * self._weight
        return weighted, self._target.watch(outputs, y)

    def _outputs(self, model: Callable[[Any], Tensor], x: Any) -> Tensor:
        """(b, ...), in float32 whatever autocast computes in."""
        if self.channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        with autocast(self.train, self.device):
            outputs = model(x)
        return outputs if self.train.amp == "none" else outputs.float()

    @property
    def is_finding_its_scale(self) -> bool:
        """Whether skipped steps may still end: float16's loss scale halves with each of them."""
        return self.scaler is not None and self.scaler.get_scale() >= 1

    def _set_lr(self, step: int) -> float:
        lr = self.lr * self._factor(step)
        set_lr(self.optimizer, lr)
        return lr

    @property
    def evaluated(self) -> nn.Module:
        """The model, or the running mean of its weights where there is one."""
        return self.model if self.average is None else self.average.module

    def score(self, subset: str) -> Scored:
        return self.evaluate(getattr(self.data, subset))

    @torch.no_grad()
    def evaluate(self, samples: Samples) -> Scored:
        """In evaluation mode, of the averaged weights if any.

        Where memory runs out, in smaller batches from there on: they change no score.
        """
        while True:
            try:
                return self._evaluate(samples)
            except (RuntimeError, MemoryError) as error:
                alone = self.world.size == 1  # else others evaluate their part of these batches
                if not (alone and self._eval_batch > 1 and device.is_out_of_memory(error)):
                    raise
            self._eval_batch //= 2
            device.release_memory(self.device.type)

    def _evaluate(self, samples: Samples) -> Scored:
        model = self.evaluated
        model.eval()
        found: list[dict[str, Tensor]] = []
        batches = self.data.eval_batches(samples, batch_size=self._eval_batch, shard=self._shard)
        with tf32(self.train.tf32):
            for x, y in batches:
                found.append(judged(self._target, self._outputs(model, x), y, self._scores))
        found = self._gathered(found)
        together = {name: torch.cat([own[name] for own in found]) for name in found[0]}
        return scored(self._target, together, self._scores)

    @torch.no_grad()
    def outputs(self, samples: Samples) -> Tensor:
        """Of the evaluated weights, in evaluation mode, (n, ...) on the host."""
        model = self.evaluated
        model.eval()
        with tf32(self.train.tf32):
            batches = self.data.eval_batches(samples.to(self.device), batch_size=self._eval_batch)
            return torch.cat([self._outputs(model, x).cpu() for x, _ in batches])

    def _gathered(self, batches: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
        """What all ranks found, in the order of the batches that they evaluated in turns."""
        if self.world.size == 1:
            return batches
        on_host = [{name: found.cpu() for name, found in own.items()} for own in batches]
        found = self.world.gather(on_host)
        turns = zip_longest(*found)
        return [batch for turn in turns for batch in turn if batch is not None]

    def state_dict(self) -> dict[str, Any]:
        """Everything a resumed run needs, at un-perturbed weights, random generators included."""
        rng = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            rng["cuda"] = torch.cuda.get_rng_state()
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": rng if self.world.size == 1 else self.world.gather(rng),
            **{name: part.state_dict() for name, part in self._extras().items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, part in self._extras().items():
            if name in state:  # an older version kept no steps
                part.load_state_dict(state[name])
        rng = state["rng"] if self.world.size == 1 else state["rng"][self.world.rank]
        torch.set_rng_state(rng["cpu"].cpu())
        if "cuda" in rng:
            torch.cuda.set_rng_state(rng["cuda"].cpu())

    def _extras(self) -> dict[str, ModelEmaV3 | torch.amp.GradScaler | Steps]:
        """What else a checkpoint holds, some of it where a study asks for it."""
        found = {"average": self.average, "scaler": self.scaler, "steps": self._steps}
        return {name: part for name, part in found.items() if part is not None}

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()
