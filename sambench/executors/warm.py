"""What local workers need, imported once by the server that all of them are forked from."""

import atexit
import gc

from sambench.executors.imports import without_wandb

with without_wandb():
    import timm as timm

from sklearn import datasets as datasets
from sklearn import metrics as metrics

from sambench.executors import assignment as assignment

gc.collect()
gc.freeze()  # a collection in a worker leaves these pages as they are, and shared
atexit.register(gc.unfreeze)  # else nanobind, in triton, tells at the exit of leaks
