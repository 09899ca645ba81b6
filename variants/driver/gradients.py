"""Whose `.grad` is whose: trained parameters' is a step's own, others get what they expect."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from weakref import ref

from torch import Tensor, nn

from variants.core import shards
from variants.driver.callers import LEFT
from variants.driver.replicas import Replicas

Parameters = dict[str, nn.Parameter]


class Bystanders:
    """What a closure reaches and another optimizer trains: a discriminator, a second head.

    In a step they receive the gradient of its first evaluation, as from one `backward()`. Those in
    the model are always known; what is outside is found in the graph of the first pass, or in the
    modules that it runs: where a loop keeps the graph to itself, or whole weights stand in it for
    their shards.
    """

    def __init__(self, model: nn.Module, replicas: Replicas) -> None:
        self._model = model
        self._replicas = replicas
        self._trained: Parameters | None = None
        self._inside: list[Tensor] = []
        self._outside: list[ref[Tensor]] | None = None

    def begin(self, trained: Parameters) -> None:
        """A step of these begins. ValueError if gradients were accumulated by hand.

        Not if they are zero, as some `zero_grad` leaves them, or arrived at what trains only now.
        """
        left = {name: g for name, p in trained.items() if (g := p.grad) is not None}
        others = {id(t) for t in self._all()} if left else set()
        for name, g in left.items():
            if id(trained[name]) not in others and bool(shards.whole((g != 0).any())):
                raise ValueError(LEFT.format(name=name))
        if self._trained is not trained:
            mine = {id(p) for p in trained.values()}
            self._trained = trained
            self._inside = [p for p in self._model.parameters() if id(p) not in mine]

    def look(self, trained: Parameters, losses: Tensor) -> None:
        """Finds those outside, before a backward pass from `losses`."""
        if self._outside is None and not self._replicas.in_shards:
            self._note(trained, _leaves(losses))

    def meet(self, trained: Parameters, modules: Iterable[nn.Module]) -> None:
        """Finds them in what a backward pass may have come through, if none has been looked at."""
        if self._outside is None:
            self._note(trained, (p for m in modules for p in m.parameters(recurse=False)))

    def _note(self, trained: Parameters, leaves: Iterable[Tensor]) -> None:
        known = {id(p) for p in (*trained.values(), *self._model.parameters())}
        self._outside = [ref(leaf) for leaf in leaves if id(leaf) not in known]

    @contextmanager
    def receiving(self, share: float) -> Iterator[None]:
        """Of the gradients that arrive inside, they receive this share."""
        before = [] if share == 1 else [(t, t.grad) for t in self._all()]
        for t, _ in before:
            t.grad = None
        try:
            yield
        finally:
            for t, old in before:
                if t.grad is None or not share:
                    t.grad = old
                else:
                    t.grad.mul_(share) if old is None else t.grad.mul_(share).add_(old)

    def settle(self) -> None:
        """Averages what arrived, where processes have a copy each."""
        if self._replicas.count > 1:
            grads = [t.grad for t in self._all() if t.grad is not None and self._replicas.has(t)]
            self._replicas.mean_(grads)

    def _all(self) -> list[Tensor]:
        return [*self._inside, *(t for known in self._outside or () if (t := known()) is not None)]


def _leaves(losses: Tensor) -> Iterator[Tensor]:
    """The tensors whose `.grad` a backward pass from `losses` adds to."""
    waiting, seen = [losses.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if (leaf := getattr(node, "variable", None)) is not None:
            yield leaf
        waiting.extend(following for following, _ in node.next_functions)
