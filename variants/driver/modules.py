"""The modules of a model, as they are now."""

from torch import nn


class Modules:
    """Walks `model` again when a module was added, replaced or removed.

    A walk costs as much as many a kernel; to compare what each module holds is cheap.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._walk()

    def all(self) -> list[nn.Module]:
        """All modules, the model first; the same list as long as nothing changed."""
        if self._children() != self._found:
            self._walk()
        return self.known

    def _walk(self) -> None:
        self.known = list(self.model.modules())
        """`all`, as of its last call"""
        self._holders = [m._modules for m in self.known]
        self._found = self._children()

    def _children(self) -> list[list[nn.Module | None]]:
        return [list(held.values()) for held in self._holders]
