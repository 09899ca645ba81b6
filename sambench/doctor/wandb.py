"""Weights & Biases: whether it is used, and whether its server knows us."""

import netrc
import os
from urllib.parse import urlsplit

from sambench.doctor import programs
from sambench.doctor.check import Asked, Finding, ok, problem
from sambench.errors import UserError
from sambench.tracking import modes

SERVER = "https://api.wandb.ai"
WITHIN_S = 30.0
LOGIN = "import wandb; print(bool(wandb.login(prompt=False, verify=True)))"


def wandb(asked: Asked) -> Finding:
    try:
        mode = modes.mode(None)
    except UserError as error:
        return problem(str(error), "unset WANDB_MODE")
    key = "a key is kept" if _has_key() else "no key is kept: wandb login"
    if mode != "online":
        default = "" if os.environ.get("WANDB_MODE") else ", the default"
        return ok(f"{mode}{default}: nothing leaves this machine; for --wandb online {key}")
    if not _has_key():
        return problem("online by WANDB_MODE, and no key is kept", "wandb login")
    answer = programs.python(LOGIN, within_s=WITHIN_S)
    if answer.code is None:
        return problem(
            f"{_server()} gives no answer within {WITHIN_S:.0f} s",
            "export WANDB_MODE=offline, and later: wandb sync",
        )
    if answer.out.strip().splitlines()[-1:] != ["True"]:
        why = programs.last_line(answer.err)
        return problem(f"{_server()} does not take the key: {why}", "wandb login --relogin")
    return ok(f"online, {_server()} knows the key")


def _server() -> str:
    return os.environ.get("WANDB_BASE_URL") or SERVER


def _has_key() -> bool:
    """Where W&B looks for it, too."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        found = netrc.netrc(os.environ.get("NETRC")).hosts
    except (OSError, netrc.NetrcParseError):
        return False
    return urlsplit(_server()).hostname in found
