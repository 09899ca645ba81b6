"""Texts: what is read, who labels it, how it is trained on, and what is refused."""

import builtins
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

import variants
from sambench.config import Train, one_line
from sambench.errors import UserError
from sambench.seeds import derive
from sambench.tasks.testing import TaskConformance
from sambench.tasks.text import TextClassification, hub
from sambench.training import Engine
from tests.sambench.tasks.text.conftest import BERT, GPT2, T5

STREAMS = derive(0, "pool", 0).streams
KINDS: dict[str, dict[str, Any]] = {
    "bert": {**BERT, "label_noise": 0.1, "objective": "f1_macro"},
    "gpt2, of one rater": {**GPT2, "ratings": "ratings", "threshold": 0.0},
    "t5, of pairs": {**T5, "text": ("text", "second")},
    "pretrained": {"model": "FOLDER", "max_tokens": 16},
}
UNPADDED = {**GPT2["model_args"], "pad_token_id": None}
"""As GPT-2 is published."""


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def task(file: Path, **keys: Any) -> TextClassification:
    return TextClassification.model_validate({"dataset": str(file), **BERT, **keys})


@pytest.mark.parametrize("name", KINDS)
class TestConformance(TaskConformance):
    @pytest.fixture(autouse=True)
    def _named(self, name: str, file: Path, folder: Path) -> None:
        keys = {k: str(folder) if v == "FOLDER" else v for k, v in KINDS[name].items()}
        self.task = TextClassification.model_validate({"dataset": str(file), **keys})


def test_a_text_is_read_as_written(tmp_path: Path):
    texts = ['say "no', "None", "NA", 'a "b" c', "x, y"] * 4
    frame = pd.DataFrame({"text": texts, "label": [1, 2, 10, 2, 1] * 4})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    lines = [
        "text\tlabel",
        *(f"{text}\t{label}" for text, label in zip(*frame.values.T, strict=True)),
    ]
    (tmp_path / "a.tsv").write_text("\n".join(lines) + "\n")
    for suffix in ("csv", "tsv", "parquet"):
        read = task(tmp_path / f"a.{suffix}")._read()
        assert [text for (text,) in read.texts] == texts and read.classes == ("1", "2", "10")
        assert read.truth.tolist() == [0, 1, 2, 1, 0] * 4


def test_a_published_test_set_is_kept_apart(file: Path, tmp_path: Path):
    frame = pd.read_csv(file)
    frame[:40].to_csv(tmp_path / "test.csv", index=False)
    frame[40:].to_csv(tmp_path / "train.csv", index=False)
    data = task(tmp_path / "train.csv", test=str(tmp_path / "test.csv")).load(STREAMS)
    assert [len(data.train), len(data.val), len(data.test)] == [108, 12, 40]
    assert data.test.y.tolist() == [0, 1] * 20


def test_no_piece_of_the_tokenizer_is_of_a_text_for_testing(tmp_path: Path):
    frame = pd.DataFrame({"text": [f"{c * 5} word" for c in "abcdefghij"] * 2})
    frame["label"] = ["even", "odd"] * 10
    frame[:10].to_csv(tmp_path / "train.csv", index=False)
    frame["text"] = "zzzzz"
    frame[10:].to_csv(tmp_path / "test.csv", index=False)
    own = task(tmp_path / "train.csv", test=str(tmp_path / "test.csv"))
    pieces = own._tokenizer().get_vocab()
    assert "z" not in pieces and "word" in pieces
    x = own.load(STREAMS).test.x
    assert x[0, 0].tolist()[:3] == [pieces[mark] for mark in ("[CLS]", "[UNK]", "[SEP]")]


@pytest.mark.parametrize(
    "keys", [BERT, GPT2, {**GPT2, "model_args": UNPADDED}], ids=["bert", "gpt2", "no pad"]
)
def test_padding_changes_nothing(file: Path, keys: dict[str, Any]):
    own = task(file, **keys)
    data = own.load(STREAMS)
    torch.manual_seed(0)
    model = own.build(data).eval()
    alone = torch.cat([model(x) for x, _ in data.eval_batches(data.val, batch_size=1)])
    (together, _), *_ = data.eval_batches(data.val, batch_size=len(data.val))
    longer = torch.nn.functional.pad(together, (0, 8), value=hub.NONE)
    longer[:, 1].clamp_(min=0)
    assert torch.allclose(model(together), alone, atol=1e-5)
    assert torch.allclose(model(longer), alone, atol=1e-5)
    lengths = [x.shape[-1] for x, _ in data.eval_batches(data.val, batch_size=1)]
    assert set(lengths) == {8, data.val.x.shape[-1]}


def test_the_parts_of_a_pair_are_told_apart(file: Path):
    data = task(file, text=["text", "second"], max_tokens=64).load(STREAMS)
    parts, real = data.train.x[:, 1], data.train.x[:, 0] != hub.NONE
    assert {0, 1} == set(parts[real].tolist()) and not parts[~real].any()


def test_a_single_rater_labels_what_is_trained_on(file: Path):
    keys = {"ratings": "ratings", "threshold": 0.0}
    clean, noisy = task(file, raters="all", **keys), task(file, **keys)
    shares = []
    for point in range(20):
        streams = derive(0, "pool", point).streams
        a, b = clean.load(streams), noisy.load(streams)
        assert torch.equal(a.train.x, b.train.x) and torch.equal(a.test.y, b.test.y)
        shares.append(float((a.train.y != b.train.y).double().mean()))
    dissent = noisy._read().dissent
    assert np.mean(shares) == pytest.approx(dissent, abs=0.02) and dissent > 0.1
    assert len(set(shares)) > 1, "each run draws its own raters"


def test_the_truth_is_the_mean_or_the_majority(tmp_path: Path):
    frame = pd.DataFrame({"text": [f"text {i}" for i in range(20)]})
    frame["ratings"] = [[-1, -1, 4], [0, 0, 0], [1, -1, -1], [2, -2, 0]] * 5
    frame["words"] = [["a", "b", "a"], ["a", "b"], ["b", "b"], ["b"]] * 5
    frame.to_parquet(tmp_path / "a.parquet")
    by_mean = task(tmp_path / "a.parquet", ratings="ratings", threshold=0.0)._read()
    assert [by_mean.classes[own] for own in by_mean.truth[:4]] == ["above 0", *["at most 0"] * 3]
    assert by_mean.undecided == 0 and len(by_mean.texts) == 20
    assert by_mean.dissent == pytest.approx((2 / 3 + 0 + 1 / 3 + 1 / 3) / 4)
    most = task(tmp_path / "a.parquet", ratings="words")
    assert [most._read().classes[own] for own in most._read().truth[:3]] == ["a", "b", "b"]
    assert most._read().undecided == 5
    assert most.notes()[0] == "5 of 20 texts are left out: raters are divided evenly on them"


def test_dropout_masks_are_those_of_the_first_pass(file: Path):
    own = task(file)
    data = own.load(STREAMS)
    torch.manual_seed(0)
    model = own.build(data)
    seen: list[torch.Tensor] = []
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.register_forward_hook(lambda m, x, out: seen.append(out == 0))
            break
    x, y = next(data.epoch_batches(Train(epochs=1, batch_size=8), seed=0, epoch=0))
    passes = []
    for replay in (own.replays, False):
        asked = Train(epochs=1, batch_size=8, base="adamw")
        rule = variants.create("sam", rho=0.05)
        engine = Engine(
            asked, rule, model, data, lr=0.01, epochs=1, seed=0, order_seed=0, replay=replay
        )
        model.train()
        seen.clear()
        engine.step(x, y)
        engine.step(x, y)
        passes.append([*seen])
    (first, second, third, _), (one, other, *_) = passes
    assert first.any() and torch.equal(first, second) and not torch.equal(first, third)
    assert not torch.equal(one, other)


def test_pretrained_weights_are_those_of_the_folder(file: Path, folder: Path):
    from transformers import BertModel

    own = task(file, model=str(folder), model_args={"hidden_dropout_prob": 0.0}, tokenizer=None)
    data = own.load(STREAMS)
    torch.manual_seed(0)
    reader = own.build(data)
    base = BertModel.from_pretrained(folder).state_dict()
    held = {name.removeprefix("model.bert."): p for name, p in reader.state_dict().items()}
    assert all(torch.equal(held[name], p) for name, p in base.items())
    assert reader.model.config.hidden_dropout_prob == 0.0 and reader.model.config.num_labels == 2


def test_other_weights_or_another_tokenizer_are_other_data(file: Path, folder: Path):
    before = task(file, model=str(folder), tokenizer=None).contents()
    assert {"train", "model/model.safetensors", "model/tokenizer.json"} <= set(before)
    other = task(file, text="second", model=str(folder), tokenizer=None).contents()
    assert {name for name in before if before[name] != other[name]} == {"train"}


def test_what_is_cut_is_told(file: Path):
    (note,) = task(file, max_tokens=8).notes()
    assert re.fullmatch(r"\d+ of 160 texts fill 8 tokens or more, and what is more is cut", note)
    assert not task(file).notes()


def test_transformers_is_asked_for_by_its_extra(file: Path, monkeypatch: pytest.MonkeyPatch):
    real = builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "transformers":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    monkeypatch.delitem(sys.modules, "transformers")
    with pytest.raises(UserError, match=re.escape("pip install 'sambench[text]'")):
        task(file).check_model()


def broken(tmp_path: Path, file: Path) -> dict[str, str]:
    """Files with a fault each, by a word."""
    frame = pd.read_csv(file, dtype=str)
    made = {
        "EMPTY": frame.assign(text=["", " ", *frame["text"][2:]]),
        "UNLABELLED": frame.assign(label=["", *frame["label"][1:]]),
        "NUMBERS": frame.assign(label=[f"{i / 7}" for i in range(len(frame))]),
        "UNRATED": frame.assign(ratings=["[1, 2]", "about 3", *frame["ratings"][2:]]),
        "NONE": frame[:0],
    }
    found = {"FILE": str(file), "NOTHING": str(tmp_path / "gone.csv"), "ODD": "films.xlsx"}
    for name, own in made.items():
        own.to_csv(tmp_path / f"{name}.csv", index=False)
        found[name] = str(tmp_path / f"{name}.csv")
    return found


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"dataset": "NOTHING"}, "task.dataset: no file '"),
        ({"dataset": "ODD"}, "task.dataset: texts stand in .csv, .tsv or .parquet, got 'films.xl"),
        ({"dataset": "NONE"}, "has no rows"),
        ({"text": "txt"}, "has no column 'txt', did you mean text?"),
        ({"label": "lable"}, "has no column 'lable', did you mean label?"),
        ({"ratings": "rating"}, "has no column 'rating', did you mean ratings?"),
        ({"dataset": "EMPTY"}, "task.text: 'text' is empty in 2 of 160 rows of "),
        ({"dataset": "UNLABELLED"}, "task.label: 'label' is missing in 1 of 160 rows of "),
        ({"dataset": "NUMBERS"}, "task.label: 160 different labels of 160 texts are no classes"),
        ({"dataset": "UNRATED", "ratings": "ratings"}, "got 'about 3' in row 2"),
        ({"ratings": "words", "threshold": 0.0}, "task.threshold: is for numbers, and raters in"),
        ({"test": "NOTHING"}, "task.test: no file '"),
        ({"tokenizer": "nobody/nothing"}, "task.tokenizer: no tokenizer 'nobody/nothing': no fold"),
        ({"tokenizer": "words:many"}, "task.tokenizer: a number of words follows words:"),
        ({"model": "nobody/nothing"}, "task.model: no model 'nobody/nothing': no folder, and the"),
        ({"model": "config:brt"}, "task.model: no type 'brt' of models, did you mean bert or bart"),
        (
            {"model": "config:vit", "model_args": {}},
            "'config:vit' is a vit, and transformers has n",
        ),
        ({"model_args": {"hiden_size": 3}}, "model_args.hiden_size: unknown key, did you mean hid"),
        ({"model_args": {"hidden_size": 15}}, "task.model: 'config:bert' cannot be built: The hid"),
        (
            {"model_args": {"vocab_size": 9}},
            "task.tokenizer: has 56 tokens, and 'config:bert' knows",
        ),
        ({"max_tokens": 513}, "task.max_tokens: must be <= 512, which is what 'config:bert' reads"),
        ({"threshold": 1.0}, "threshold: is for ratings: name their column with task.ratings"),
        ({"ratings": "words", "label": "label"}, "label: cannot stand beside ratings: leave one"),
        (
            {"ratings": "words", "label_noise": 0.1},
            "label_noise: flips true labels: with ratings i",
        ),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, file: Path, keys: dict[str, Any], told: str):
    files = broken(tmp_path, file)
    asked = {k: files.get(v, v) if isinstance(v, str) else v for k, v in keys.items()}
    with pytest.raises((UserError, ValidationError)) as caught:
        own = TextClassification.model_validate({"dataset": str(file), **BERT, **asked})
        own.check_data()
        own.check_model()
    error = caught.value
    line = one_line(error) if isinstance(error, ValidationError) else str(error)
    assert told in line and "\n" not in line


def test_a_head_for_other_classes_is_refused(file: Path, folder: Path, tmp_path: Path):
    from transformers import BertForSequenceClassification

    made = BertForSequenceClassification.from_pretrained(folder, num_labels=3)
    made.save_pretrained(tmp_path)
    own = task(file, model=str(tmp_path), tokenizer=str(folder))
    with pytest.raises(UserError, match=r"task\.model: .* cannot be built: ") as caught:
        own.build(own.load(STREAMS))
    assert "\n" not in str(caught.value)


def test_a_folder_with_the_weights_of_another_type_is_refused(
    file: Path, folder: Path, tmp_path: Path
):
    from transformers import GPT2Config

    shutil.copy(folder / "model.safetensors", tmp_path)
    GPT2Config(vocab_size=200, **GPT2["model_args"]).save_pretrained(tmp_path)
    own = task(file, model=str(tmp_path), model_args={}, tokenizer=str(folder))
    with pytest.raises(UserError, match=r"task\.model: .* holds no weights of a gpt2"):
        own.build(own.load(STREAMS))


def test_the_words_of_a_tokenizer_are_the_same_in_every_process(file: Path):
    program = (
        "import pandas, sys; from sambench.tasks.text import hub; "
        "texts = tuple((own,) for own in pandas.read_csv(sys.argv[1])['text']); "
        "print(hub.tokenizer('words:20', texts).backend_tokenizer.to_str())"
    )
    texts = tuple((own,) for own in pd.read_csv(file)["text"])
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", program, file], capture_output=True, text=True, env=environment
    )
    assert done.stdout.strip() == hub.tokenizer("words:20", texts).backend_tokenizer.to_str()
