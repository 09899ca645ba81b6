"""The final weights of a run, kept in a file that says which run's they are, and runs no code."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors
from safetensors.torch import load, save
from torch import Tensor, nn

from sambench import config
from sambench.errors import UserError
from sambench.files import replacing
from sambench.seeds import Seeds
from sambench.training.run import Run

NAME = "weights.safetensors"
_RUN = "sambench"
"""The key of the file's metadata under which the run stands, as JSON."""


@dataclass(frozen=True)
class Weights:
    """What a file holds."""

    tensors: Mapping[str, Tensor]
    """parameters and buffers, by name, on the CPU"""
    run: Run | None
    """whose they are; None if the file does not say"""
    data: str = ""
    """digest of the data of that run"""
    own: tuple[str, ...] = ()
    """what a Python caller brought: "model", "data", "loss" """


def keep(run: Run, folder: Path, model: nn.Module, data: str, own: tuple[str, ...] = ()) -> None:
    """Writes the model's parameters and buffers into the run's folder."""
    told = {
        "study": run.study.model_dump(mode="json"),
        **{name: getattr(run, name) for name in _NAMES},
        "seeds": asdict(run.seeds),
        "data": data,
        "own": own,
    }
    tensors = {k: v.detach().cpu().clone().contiguous() for k, v in model.state_dict().items()}
    with replacing(folder / NAME) as file:
        file.write(save(tensors, {_RUN: json.dumps(told)}))


def read(path: Path) -> Weights:
    """UserError, one line, for what is no such file."""
    try:
        content = path.read_bytes()
        tensors = load(content)
        with safetensors.safe_open(path, "pt") as file:
            told = (file.metadata() or {}).get(_RUN)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except (safetensors.SafetensorError, ValueError, KeyError):
        raise UserError(
            f"{path}: no safetensors file, or a damaged one; other files of weights may hold code, "
            "which is not run here: save them with safetensors.torch.save_file"
        ) from None
    if told is None:
        return Weights(tensors, None)
    try:
        found = json.loads(told)
        run = Run(
            study=config.parse(found["study"]),
            seeds=Seeds(**found["seeds"]),
            **{name: found[name] for name in _NAMES},
        )
        return Weights(tensors, run, str(found["data"]), tuple(map(str, found["own"])))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: what it says of its run cannot be read: {error}") from None


_NAMES = (
    "label",
    "key",
    "stage",
    "point",
    "rerun",
    "lr",
    "hyperparameters",
    "epochs",
    "radius",
)
"""Fields of a run that are plain values."""
