"""What every task must keep to that brings a trainer of its own."""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

import variants
from sambench.config import Task, Train
from sambench.seeds import derive
from sambench.tasks.contents import digest
from sambench.tasks.testing.tables import TableConformance
from sambench.tasks.trainer import Brief, Trainer

EPOCHS = 2
RATE = 1e-3
STREAMS, OTHERS = (derive(0, "pool", point).streams for point in (0, 1))


class Ascending(variants.Variant):
    """The gradient at w + rho g."""

    rho: float = 0.01

    @property
    def passes(self) -> float:
        return 2.0

    def direction(
        self, oracle: variants.Oracle, state: variants.State
    ) -> tuple[variants.Update, variants.State]:
        e = {name: self.rho * g for name, g in oracle.grad().grads.items()}
        return variants.Update(oracle.grad(at=e).grads), state


class Still(Ascending):
    """The gradient at w, twice."""

    rho: float = 0.0


class InParts(variants.Variant):
    """The gradient of a batch, three rows at a time."""

    @property
    def passes(self) -> float:
        return 1.0

    def direction(
        self, oracle: variants.Oracle, state: variants.State
    ) -> tuple[variants.Update, variants.State]:
        size, total = oracle.size, {name: torch.zeros_like(p) for name, p in oracle.params.items()}
        for rows in torch.arange(size).split(3):
            for name, g in oracle.grad(rows=rows).grads.items():
                total[name] = total[name] + len(rows) / size * g
        return variants.Update(total), state


PLAIN = variants.create("plain")


class Trained(NamedTuple):
    rows: list[dict[str, float]]
    scores: list[dict[str, float]]
    """after each epoch, on each subset"""
    first: list[Tensor]
    """the weights before"""
    weights: list[Tensor]
    """and after"""


class TrainerConformance(TableConformance):
    """Of `task`, trained as `train` says, which should take a second or two."""

    task: Task
    train: Train

    def _begun(
        self, streams: dict[str, int] = STREAMS, rule: variants.Variant = PLAIN
    ) -> tuple[Trainer, list[int]]:
        """The trainer, and the steps that it said it would take."""
        steps: list[int] = []

        def optimizer(model: nn.Module, num: int) -> variants.SharpnessAware:
            steps.append(num)
            base = torch.optim.Adam(model.parameters(), lr=RATE, eps=1e-5)
            return variants.SharpnessAware(base, rule, model, total_steps=num)

        def rate(num: int) -> Any:
            return lambda step: RATE * (1 - step / num)

        return self.task.trainer(Brief(self.train, EPOCHS, streams, "cpu", optimizer, rate)), steps

    def _trained(
        self,
        streams: dict[str, int] = STREAMS,
        rule: variants.Variant = PLAIN,
        *,
        scored: bool = True,
    ) -> Trained:
        trainer, steps = self._begun(streams, rule)
        try:
            first = [p.detach().clone() for p in trainer.evaluated.parameters()]
            rows, scores = [], []
            for epoch in range(EPOCHS):
                rows.append(trainer.train_epoch(epoch))
                for name in ("val", "test") if scored else ():
                    scores.append(dict(trainer.score(name).values))
            assert steps == [EPOCHS * trainer.steps_per_epoch]
            return Trained(rows, scores, first, [*trainer.evaluated.parameters()])
        finally:
            trainer.close()

    def test_the_same_dataset_has_the_same_contents(self) -> None:
        assert digest(self.task.contents()) == digest(self.task.contents())

    def test_a_run_is_a_function_of_its_streams(self) -> None:
        """Whatever else is drawn between its epochs, and whether it is scored or not."""
        first, other = self._trained(), self._trained(OTHERS)
        again, unscored = self._trained(), self._trained(scored=False)
        assert first.scores == again.scores
        assert all(map(torch.equal, first.weights, again.weights))
        assert all(map(torch.equal, first.weights, unscored.weights))
        assert not all(map(torch.equal, first.first, other.first))

    def test_the_test_set_is_the_same_for_all_runs(self) -> None:
        one, other = (self._begun(own)[0] for own in (STREAMS, OTHERS))
        other.evaluated.load_state_dict(one.evaluated.state_dict())
        found, again = one.score("test"), other.score("test")
        assert found.values == again.values
        for name, items in found.items.items():
            assert torch.equal(items, again.items[name])
            assert math.isclose(float(items.double().mean()), found.values[name], rel_tol=1e-6)
        one.close()
        other.close()

    def test_an_epoch_tells_its_scores_its_rate_and_what_it_cost(self) -> None:
        for rule, passes in ((PLAIN, 1), (Ascending(), 2)):
            found = self._trained(rule=rule)
            for values in found.scores:
                assert [*values] == [*self.task.judged]
                assert all(map(math.isfinite, values.values()))
            first, second = found.rows
            assert 0 < second["lr"] < first["lr"] <= RATE
            assert second["steps"] == 2 * first["steps"] > 0
            for row in found.rows:
                assert math.isfinite(row["train_loss"]) and row["step_time_s"] > 0
                assert row["gradient_evaluations"] == passes * row["steps"]
                assert row["skipped_steps"] == 0

    def test_rules_may_take_rows_and_other_weights(self) -> None:
        """Gradients of parts of a batch average to the batch's, and an offset of 0 changes none."""
        plain, still, parts = (
            self._trained(rule=rule, scored=False).weights for rule in (PLAIN, Still(), InParts())
        )
        assert all(map(torch.equal, plain, still))
        pairs = zip(plain, parts, strict=True)
        assert all(torch.allclose(a, b, atol=1e-4) for a, b in pairs)
