"""All checks, in the order in which they are told. Another one is a function and a line here."""

from sambench.doctor import data, engines, machine, software, storage, wandb
from sambench.doctor.check import Check

CHECKS = (
    Check("Python", 5, software.python),
    Check("sambench", 5, software.sambench),
    Check("torch", software.TORCH_S + 5, software.torch),
    Check("GPU", software.TORCH_S + software.SMI_S + 5, software.gpu),
    Check("cores", 5, machine.cores),
    Check("memory", 5, machine.memory),
    Check("disk", 10, machine.disk),
    Check("locks", machine.LOCK_S + 5, machine.locks),
    Check("storage", storage.WITHIN_S + 5, storage.storage),
    Check("executor", engines.RAY_S + 5, engines.executor),
    Check("Ray", 5, engines.ray),
    Check("Slurm", engines.SLURM_S + 5, engines.slurm),
    Check("W&B", wandb.WITHIN_S + 5, wandb.wandb),
    Check("data", data.WITHIN_S + 5, data.data),
)
"""Name, seconds that it may take, and what looks."""
