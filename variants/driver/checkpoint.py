"""An optimizer's state for torch.distributed.checkpoint, whatever the number of processes."""

from typing import Any

from variants.driver import bases
from variants.driver.rewind import Rewind
from variants.driver.sharpness_aware import SharpnessAware


class Checkpoint:
    """What `optimizer` remembers, as torch.distributed.checkpoint saves and loads it.

        dcp.save({"model": model, "optimizer": Checkpoint(optimizer)}, checkpoint_id=folder)
        dcp.load({"model": model, "optimizer": Checkpoint(optimizer)}, checkpoint_id=folder)

    Tensors in shards are saved by those who hold them, and come back in the shards of the
    optimizer that loads them: in as many processes as it has, or whole in one.
    """

    def __init__(self, optimizer: SharpnessAware) -> None:
        self.optimizer = optimizer

    def state_dict(self) -> dict[str, Any]:
        """Everything; of a fresh optimizer as a trial step leaves it, for others to load into."""
        from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict

        base = self.optimizer.base
        fresh = None if base.state else Rewind(base)
        try:
            state = get_optimizer_state_dict(self.optimizer.model, _each(base))
        finally:
            if fresh is not None:
                fresh.restore()
        begun = fresh is None
        return {"base": state, "begun": begun, "sharpness": self.optimizer.memory()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what `state_dict` returned; ValueError if it is another rule's."""
        from torch.distributed.checkpoint.state_dict import set_optimizer_state_dict

        self.optimizer.check(state_dict["sharpness"])
        set_optimizer_state_dict(
            self.optimizer.model, _each(self.optimizer.base), state_dict["base"]
        )
        if not state_dict["begun"]:
            self.optimizer.base.state.clear()  # it is of torch's trial step
        self.optimizer.recall(state_dict["sharpness"])


def _each(base: Any) -> list[Any]:
    return base.optimizers if isinstance(base, bases.Bases) else [base]
