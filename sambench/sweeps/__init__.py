"""W&B sweeps: studies exported as sweep files, and sweep files run without a server."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
