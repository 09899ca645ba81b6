"""Whether pictures fit into memory, asked before they are made."""

import psutil

from sambench.errors import UserError


def check(num_bytes: int, name: str) -> None:
    """UserError for a dataset that is larger than the machine's memory."""
    total = psutil.virtual_memory().total
    if num_bytes > total:
        raise UserError(
            f"task.dataset: {name} takes {num_bytes / 2**30:.3g} GiB at this size, the machine has "
            f"{total / 2**30:.3g}; choose a smaller image_size or split"
        )
