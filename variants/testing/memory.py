"""Extra memory of a variant, counted tensor by tensor on the CPU."""

from variants.core import registry
from variants.core.protocol import Variant
from variants.testing import perceptron
from variants.testing.live_bytes import LiveBytes


def extra_copies(variant: Variant) -> float:
    """Peak memory of a step beyond the base optimizer's, in copies of the parameters.

    Measured around SGD with momentum on a wide perceptron whose activations are negligible, over
    the first steps of a run. Includes the backup of w, offsets, kept gradients and state, not what
    the driver's `metrics` keep.
    """
    size, base = _peak(variant), _peak(registry.create("plain"))
    return (size - base) / perceptron.parameter_bytes()


def _peak(variant: Variant) -> int:
    with LiveBytes() as memory:
        for _ in perceptron.steps(variant):
            pass
        return memory.peak
