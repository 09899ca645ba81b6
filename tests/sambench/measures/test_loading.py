"""The part of the data that is measured."""

import torch
from torch import nn

from sambench.measures.loading import Extent, of
from sambench.tasks.images import Data, Images


def test_of_a_sorted_set_every_class_is_measured():
    labels = torch.arange(10).repeat_interleave(30)
    images = Images(torch.zeros(300, 1, 4, 4, dtype=torch.uint8), labels)
    one = torch.ones(1)
    data = Data(images, images, images, tuple("abcdefghij"), one, one)
    subject = of(
        nn.Flatten(), data, Extent(max_batches=2, batch_size=10), seed=0, true=labels.flip(0)
    )
    given = torch.cat([y for _, y in subject.train])
    assert given.tolist() == [c for c in range(10) for _ in range(2)]
    assert torch.cat([y for _, y in subject.test]).tolist() == given.tolist()
    assert subject.true is not None
    assert torch.cat(list(subject.true)).tolist() == (9 - given).tolist()
    fewer = subject.fewer(1)
    assert fewer.true is not None
    assert (
        [y.tolist() for _, y in fewer.train]
        == [list(range(10))]
        == [y.tolist() for _, y in fewer.test]
    )
    assert [t.tolist() for t in fewer.true] == [list(range(9, -1, -1))]
