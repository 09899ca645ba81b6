"""The modules of a model, as they are now."""

from torch import nn


class Modules:
    """Walks `model` again when a module was added, replaced or removed.

    A walk costs as much as many a kernel; to compare what each module holds is cheap.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._look()

    def all(self) -> list[nn.Module]:
        """All modules, the model first; the same list as long as nothing changed."""
        if any(list(held.values()) != found for held, found in self._children):
            self._look()
        return self._modules

    def _look(self) -> None:
        self._modules = list(self.model.modules())
        self._children = [(m._modules, list(m._modules.values())) for m in self._modules]
