"""The task `text`: texts, or pairs of them, of one class each, and a model of transformers'."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sambench.config import Broken, Count, IfSet, Listed, Task, Text, kinds
from sambench.errors import UserError, echo

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerBase

    from sambench.tasks.contents import Contents
    from sambench.tasks.data import Data
    from sambench.tasks.tensors import Tensors
    from sambench.tasks.text.sequences import Sequences
    from sambench.tasks.text.table import Read


def _list(given: object) -> object:
    return (given,) if isinstance(given, str) else given


@kinds.register("text")
class TextClassification(Task):
    """Texts, or pairs of them, of one class each.

    Dropout draws the same masks in all passes of a step.
    """

    item: ClassVar[str] = "text"
    replays: ClassVar[bool] = True

    dataset: Text
    """the path of a file, .csv, .tsv (without quotes) or .parquet"""
    test: IfSet[Text | None] = None
    """the path of the official test set, with the same columns; default: it is drawn"""
    text: IfSet[
        Annotated[
            tuple[Text, ...], Listed, BeforeValidator(_list), Field(min_length=1, max_length=2)
        ]
    ] = ("text",)
    """the column, or two of a pair"""
    label: IfSet[Text] = "label"
    """the column that is predicted"""
    ratings: IfSet[Text | None] = None
    """instead of it, the column with the labels that all raters gave, a list in each row: the truth
    is what most of them say; texts on which they are divided evenly are left out"""
    threshold: IfSet[float | None] = None
    """of ratings that are numbers: the truth is whether their mean lies above it, and what a rater
    says whether that one number does"""
    raters: IfSet[Literal["one", "all"]] = "one"
    """whose label a text of the training and validation set has where there are ratings: `"one"`
    rater's, drawn for each text, or the truth, as in the test set"""
    model: Text
    """a folder, or a name of Hugging Face's hub, with its weights; or `"config:bert"`, another type
    of transformers' likewise, with random weights"""
    tokenizer: IfSet[Text | None] = None
    """a folder, or a name of the hub; or `"words:8000"`, so many of the most frequent words in all
    texts that are not for testing, and other words in letters. Default: the model's, and the last
    where its weights are random"""
    max_tokens: IfSet[Count] = 128
    """what is longer is cut"""

    @model_validator(mode="after")
    def _ratings_go_together(self) -> Self:
        for key in ("threshold", "raters"):
            if self.ratings is None and key in self.model_fields_set:
                raise Broken("is for ratings: name their column with task.ratings", key)
        if self.ratings is not None and "label" in self.model_fields_set:
            raise Broken("cannot stand beside ratings: leave one of them out", "label")
        if self.ratings is not None and self.label_noise and self.raters == "one":
            raise Broken('flips true labels: with ratings it needs raters = "all"', "label_noise")
        return self

    @property
    def detail(self) -> str:
        one = self.ratings is not None and self.raters == "one"
        return ", each label by a single rater" if one else ""

    def check_data(self) -> None:
        self._read()

    def check_model(self) -> None:
        from sambench.tasks.text import hub

        hub.check(self.model, self.model_args, self._tokenizer(), self.max_tokens)

    def contents(self, cache: Path | None = None) -> "Contents":
        from sambench.tasks.contents import fingerprint
        from sambench.tasks.text import hub

        files = {name: fingerprint(repr(own).encode()) for name, own in self._read().files.items()}
        return {**files, **hub.contents(self.model, self.tokenizer)}

    def load(
        self, streams: Mapping[str, int], cache: Path | None = None, began_with: str | None = None
    ) -> "Sequences":
        import numpy as np
        import torch

        from sambench.tasks.contents import digest
        from sambench.tasks.noise import mislabel
        from sambench.tasks.text import hub
        from sambench.tasks.text.sequences import Sequences

        if began_with not in (None, digest(self.contents())):
            raise UserError(
                f"task.dataset: {echo(self.dataset)}, its tokenizer or its weights have changed "
                "since the study began; undo that, or start a new study with --fork NAME"
            )
        read, tokenizer = self._read(), self._tokenizer()
        train, val, test = self._drawn(streams["split"])
        rng = np.random.default_rng(streams["labels"])
        if self.ratings is not None and self.raters == "one":
            drawn = torch.from_numpy(read.one_vote_each(rng))
            train, val = (part.labelled(drawn[part.x]) for part in (train, val))
        if self.label_noise:
            train, val = (
                mislabel(part, self.label_noise, read.classes, rng) for part in (train, val)
            )
        x = torch.from_numpy(hub.encoded(tokenizer, read.texts, self.max_tokens))
        sets = ((x[part.x], part.y) for part in (train, val, test))
        data = Sequences.from_tensors(*sets, classes=read.classes, item=self.item)
        return replace(data, sizes={"tokens": len(tokenizer), "classes": len(read.classes)})

    def build(self, data: "Data") -> "nn.Module":
        from sambench.tasks.text import hub

        classes = data.sizes["classes"]
        return hub.build(self.model, self.model_args, self._tokenizer(), classes)

    def notes(self) -> tuple[str, ...]:
        from sambench.tasks.text import hub

        read = self._read()
        x = hub.encoded(self._tokenizer(), read.texts, self.max_tokens)
        cut = int((x[:, 0, self.max_tokens - 1 :] != hub.NONE).sum())
        num, notes = len(read.texts), []
        if read.undecided:
            of = f"{read.undecided:,} of {num + read.undecided:,} texts"
            notes.append(f"{of} are left out: raters are divided evenly on them")
        if cut:
            rule = f"fill {self.max_tokens} tokens or more, and what is more is cut"
            notes.append(f"{cut:,} of {num:,} texts {rule}")
        if self.ratings is not None and self.raters == "one":
            notes.append(f"a single rater's label is wrong for {read.dissent:.1%} of texts")
        return tuple(notes)

    def _read(self) -> "Read":
        from sambench.tasks.text import table

        columns = table.Columns(self.text, self.label, self.ratings, self.threshold)
        found = {"train": table.read("dataset", self.dataset, columns)}
        if self.test is not None:
            found["test"] = table.read("test", self.test, columns)
        return table.together(found)

    def _drawn(self, seed: int) -> "tuple[Tensors, Tensors, Tensors]":
        """Rows of the three sets, with what is true of them."""
        import torch

        from sambench.tasks.split import draw, sizes
        from sambench.tasks.tensors import Tensors

        read = self._read()
        items = Tensors(torch.arange(len(read.texts)), torch.from_numpy(read.truth))
        num = len(read.files["train"].texts)
        test = items.rows(items.x[num:]) if "test" in read.files else None
        fitting = sizes(self.split, num, None if test is None else len(test), self.dataset)
        return draw(items.rows(items.x[:num]), test, fitting, seed)

    def _tokenizer(self) -> "PreTrainedTokenizerBase":
        from sambench.tasks.text import hub

        name = self.tokenizer
        if name is None:
            name = hub.DEFAULT if self.model.startswith(hub.RANDOM) else self.model
        tested, texts = set(self._drawn(0)[2].x.tolist()), self._read().texts
        return hub.tokenizer(
            name, tuple(text for row, text in enumerate(texts) if row not in tested)
        )
