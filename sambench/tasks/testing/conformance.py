"""What every task must keep to whose data the suite's engine trains on."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from sambench.config import Task, Train
from sambench.errors import UserError
from sambench.seeds import derive
from sambench.tasks.contents import digest
from sambench.tasks.data import Batch, Data, select
from sambench.tasks.shard import Shard
from sambench.tasks.target import constant, judged, scored
from sambench.tasks.testing.tables import TableConformance

STREAMS, OTHERS = (derive(0, "pool", point).streams for point in (0, 1))
TRAIN = Train(epochs=1, batch_size=8)


def _tensors(inputs: Any) -> list[Tensor]:
    return list(inputs.values()) if isinstance(inputs, dict) else [inputs]


def _same(one: Batch, other: Batch) -> bool:
    pairs = zip([*_tensors(one[0]), one[1]], [*_tensors(other[0]), other[1]], strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


class TaskConformance(TableConformance):
    """Of `task`."""

    task: Task

    def _data(self, streams: dict[str, int] = STREAMS) -> Data:
        return self.task.load(streams)

    def _batches(self, data: Data, epoch: int = 0, shard: Shard = Shard()) -> list[Batch]:
        return list(data.epoch_batches(TRAIN, seed=1, epoch=epoch, shard=shard))

    def test_data_are_a_function_of_their_streams(self) -> None:
        first, again, other = self._data(), self._data(), self._data(OTHERS)
        assert first.digest() == again.digest()
        tested = [list(data.eval_batches(data.test, batch_size=8)) for data in (first, other)]
        assert all(torch.equal(a[1], b[1]) for a, b in zip(*tested, strict=True)), "the test set"
        for data in (first, again, other):
            data.close()

    def test_other_data_than_a_study_began_with_are_refused(self) -> None:
        told = digest(self.task.contents())
        assert told == digest(self.task.contents())
        self.task.load(STREAMS, None, told).close()
        with pytest.raises(UserError):
            self.task.load(STREAMS, None, "0" * 32)

    def test_an_epoch_is_a_function_of_its_seed_and_number(self) -> None:
        data = self._data()
        first, again, next_ = (self._batches(data, epoch) for epoch in (0, 0, 1))
        assert all(map(_same, first, again))
        assert not all(map(_same, first, next_)), "no two epochs have the same order"
        assert {len(y) for _, y in first} == {min(TRAIN.batch_size, len(data.train))}

    def test_shares_of_a_batch_are_the_batch(self) -> None:
        data = self._data()
        whole = self._batches(data)[0]
        parts = [self._batches(data, shard=Shard(rank, 2))[0] for rank in (0, 1)]
        assert torch.equal(torch.cat([y for _, y in parts]), whole[1])

    def test_every_item_is_evaluated_once_in_its_order(self) -> None:
        data = self._data()
        found = list(data.eval_batches(data.val, batch_size=7))
        assert torch.equal(torch.cat([y for _, y in found]), data.val.y)
        turns = [list(data.eval_batches(data.val, batch_size=7, shard=Shard(r, 2))) for r in (0, 1)]
        assert [len(turn) for turn in turns] == [-(-len(found) // 2), len(found) // 2]

    def test_losses_are_item_by_item_and_can_be_minimised(self) -> None:
        data = self._data()
        x, y = self._batches(data)[0]
        torch.manual_seed(0)
        model = self.task.build(data)
        torch.manual_seed(1)  # for dropout
        losses = data.target.losses(model(x), y)
        assert len(losses) == len(y) and losses.isfinite().all()
        before = float(losses.mean().detach())
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        losses.mean().backward()
        optimizer.step()
        torch.manual_seed(1)
        assert float(data.target.losses(model(x), y).mean().detach()) < before
        assert len(data.target.watch(model(x), y)) == len(y)
        rows = torch.arange(2)
        assert len(y[rows]) == len(_tensors(select(x, rows))[0]) == 2

    def test_the_model_is_a_function_of_the_generator(self) -> None:
        data = self._data()
        built = []
        for seed in (0, 0, 1):
            torch.manual_seed(seed)
            built.append([p.detach() for p in self.task.build(data).parameters()])
        first, again, other = built
        assert all(map(torch.equal, first, again)) and not all(map(torch.equal, first, other))

    def test_every_score_has_a_value_and_a_level_of_chance(self) -> None:
        data, names = self._data(), [*self.task.judged]
        model = self.task.build(data).eval()
        (x, y), *_ = data.eval_batches(data.test, batch_size=len(data.test))
        with torch.no_grad():
            found = scored(data.target, judged(data.target, model(x), y, names), names)
        assert [*found.values] == names and all(map(math.isfinite, found.values.values()))
        assert all(map(math.isfinite, constant(data.target, data.test.y, names).values()))
        kept = {score.name for score in self.task.scores if score.items}
        assert kept <= {*found.items}
