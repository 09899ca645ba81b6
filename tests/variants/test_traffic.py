"""What a step reads and writes outside its passes is what its equations ask for."""

from pathlib import Path

import pytest

import variants
from variants.core import ops
from variants.core.protocol import Oracle, State, Update
from variants.sam import SAM
from variants.testing.traffic import traffic


class Wasteful(SAM):
    """Makes new trees of what it could use up."""

    def direction(self, oracle: Oracle, state: State) -> tuple[Update, State]:
        g = ops.each(lambda t: t.clone(), oracle.grad().grads)
        return Update(oracle.grad(at=ops.ball(g, self.rho)).grads), state


@pytest.mark.parametrize(
    ("rule", "copies"),
    [
        (SAM(), 1 + 2 + 2 + 3 + 2),  # norm, backup, scale, add, restore
        (variants.create("gnp"), 10 + 3 + 1),  # both gradients mixed, and the norm of that
        (Wasteful(), 10 + 2 + 1),  # a copy, whose norm is not known
        (variants.create("plain"), 0),
    ],
)
def test_copies_read_and_written(rule: variants.Variant, copies: float):
    assert traffic(rule).copies == pytest.approx(copies, abs=0.05)


@pytest.mark.parametrize("name", ["layer_sam", "tensor_sum_sam", "asam", "look_layer_sam"])
def test_rules_of_single_tensors_are_fused(name: str):
    """By tensor, each of the 18 takes a dozen calls."""
    assert traffic(variants.create(name)).calls < traffic(SAM()).calls + 18


def test_the_table_has_every_method():
    text = (Path(variants.__file__).parent / "traffic.md").read_text(encoding="utf-8")
    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(name for name in variants.names() if name != "plain")
