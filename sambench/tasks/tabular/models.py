"""Networks that read rows."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError

from sambench.config import Table, one_line
from sambench.errors import UserError, echo, nearest

if TYPE_CHECKING:
    from torch import nn

Width = Annotated[int, Field(ge=1, le=65536)]
Depth = Annotated[int, Field(ge=0, le=100)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class Network(Table):
    """Its fields are the keys of `model_args`."""

    def check(self) -> None:
        """UserError for what it needs and this machine lacks."""

    def build(self, features: int, outputs: int) -> "nn.Module":
        """(b, features) -> (b, outputs), or (b, k, outputs) of k members while it trains."""
        raise NotImplementedError


class MLP(Network):
    """Linear layers with ReLU between them."""

    width: Width = 128
    depth: Depth = 2
    dropout: Dropout = 0.0

    def build(self, features: int, outputs: int) -> "nn.Module":
        from torch import nn

        layers: list[nn.Module] = []
        for _ in range(self.depth):
            layers += [nn.Linear(features, self.width), nn.ReLU()]
            layers += [nn.Dropout(self.dropout)] if self.dropout else []
            features = self.width
        return nn.Sequential(*layers, nn.Linear(features, outputs))


class TabM(Network):
    """k MLPs that share most of their weights (Gorishniy et al. 2025, arXiv:2410.24210)."""

    k: Annotated[int, Field(ge=1, le=1024)] = 32
    width: Width = 512
    depth: Annotated[int, Field(ge=1, le=100)] = 3
    dropout: Dropout = 0.1

    def check(self) -> None:
        _package("tabm")

    def build(self, features: int, outputs: int) -> "nn.Module":
        from sambench.tasks.tabular.members import Members

        made = _package("tabm").TabM.make(
            n_num_features=features,
            d_out=outputs,
            k=self.k,
            d_block=self.width,
            n_blocks=self.depth,
            dropout=self.dropout,
        )
        return Members(made, are_classes=outputs > 1)


class FTTransformer(Network):
    """A token for each feature, and attention (Gorishniy et al. 2021, arXiv:2106.11959)."""

    depth: Annotated[int, Field(ge=1, le=6)] = 3
    width: Width | None = None
    """a multiple of `heads`; this, too, the authors choose by depth where it is not given"""
    heads: Annotated[int, Field(ge=1, le=1024)] = 8
    attention_dropout: Dropout | None = None
    dropout: Dropout | None = None
    """of the hidden layers of its blocks"""

    def check(self) -> None:
        width = self._settings()["d_block"]
        if width % self.heads:
            raise UserError(
                f"task.model_args.width: {width} is no multiple of the {self.heads} heads"
            )

    def build(self, features: int, outputs: int) -> "nn.Module":
        from sambench.tasks.tabular.members import Numbers

        made = _package("rtdl_revisiting_models").FTTransformer(
            n_cont_features=features, cat_cardinalities=[], d_out=outputs, **self._settings()
        )
        return Numbers(made)

    def _settings(self) -> dict[str, Any]:
        chosen = _package("rtdl_revisiting_models").FTTransformer.get_default_kwargs(self.depth)
        asked = {
            "d_block": self.width,
            "attention_n_heads": self.heads,
            "attention_dropout": self.attention_dropout,
            "ffn_dropout": self.dropout,
        }
        return chosen | {name: value for name, value in asked.items() if value is not None}


NETWORKS: dict[str, type[Network]] = {"mlp": MLP, "tabm": TabM, "ft-transformer": FTTransformer}


def network(name: str, args: Mapping[str, Any]) -> Network:
    """UserError for one that there is not, or that takes no such arguments."""
    if name not in NETWORKS:
        raise UserError(f"task.model: no model {echo(name)} of rows, {nearest(name, NETWORKS)}")
    try:
        return NETWORKS[name].model_validate(args)
    except ValidationError as error:
        raise UserError(f"task.model_args.{one_line(error)}") from None


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise UserError(
            f"task.model: needs {error.name}, which is not installed: "
            "pip install 'sambench[tabular]'"
        ) from None
