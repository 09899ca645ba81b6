"""One of two processes that run a recipe, started by torchrun: RECIPE FOLDER."""

import importlib.util
import os
import sys
import warnings
from pathlib import Path

import torch


def load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(recipe: str, folder: str) -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    model, x, y = load("conftest").model_and_data()
    weights = load(f"test_{recipe}").train_together(model, x, y)
    torch.save(weights, Path(folder) / f"{os.environ['RANK']}.pt")
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stderr.flush()
    os._exit(0)  # gloo's threads may abort an interpreter that winds up: pytorch/pytorch#179291
