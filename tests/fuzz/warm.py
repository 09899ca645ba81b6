"""Imported once, by the process that cases are forked from: what the commands import."""

import importlib
import pkgutil

import sklearn.datasets  # noqa: F401
import timm.optim  # noqa: F401
import torch
import torchvision  # noqa: F401

import sambench
import variants

torch.set_num_threads(1)
variants.names()
for module in pkgutil.walk_packages(sambench.__path__, "sambench."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
