"""What every local worker needs, imported once by the server that all of them are forked from."""

from sambench.executors.imports import without_wandb

with without_wandb():
    import timm as timm

from sambench.executors import assignment as assignment
