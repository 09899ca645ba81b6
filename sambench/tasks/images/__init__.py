"""Datasets as uint8 tensors, split, mislabelled and batched as functions of a run's seeds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
