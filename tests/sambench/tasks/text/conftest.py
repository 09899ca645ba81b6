"""Small files of texts whose class a word in them tells, and models that read them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("transformers")

BERT: dict[str, Any] = {
    "model": "config:bert",
    "model_args": {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
    },
    "tokenizer": "words:50",
    "max_tokens": 16,
}
GPT2: dict[str, Any] = {
    **BERT,
    "model": "config:gpt2",
    "model_args": {"n_embd": 16, "n_layer": 1, "n_head": 2},
}
T5: dict[str, Any] = {
    **BERT,
    "model": "config:t5",
    "model_args": {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2},
}


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """160 rows: a text, a second one, a label, five ratings as numbers and as words."""
    rng = np.random.default_rng(0)
    filler = np.array("the plot of this film has a man and his dog in some town".split())
    good = np.arange(160) % 2 == 1
    words = np.where(good, "superb", "dreadful")
    texts = [" ".join([*rng.choice(filler, rng.integers(1, 12)), word]) for word in words]
    ratings = [rng.integers(-1, 4, 5) * (1 if own else -1) for own in good]
    frame = pd.DataFrame(
        {"text": texts, "second": texts[::-1], "label": np.where(good, "yes", "no")}
    )
    frame["ratings"] = [json.dumps(own.tolist()) for own in ratings]
    frame["words"] = [json.dumps([["no", "yes"][r > 0] for r in own.tolist()]) for own in ratings]
    path = tmp_path_factory.mktemp("texts") / "films.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, file: Path) -> Path:
    """A pretrained BERT without a head, and its tokenizer."""
    from transformers import BertConfig, BertModel

    from sambench.tasks.text import hub

    texts = tuple((text,) for text in pd.read_csv(file)["text"])
    path = tmp_path_factory.mktemp("bert")
    tokenizer = hub.tokenizer("words:50", texts)
    tokenizer.save_pretrained(path)
    args = BERT["model_args"] | {"vocab_size": len(tokenizer), "max_position_embeddings": 32}
    BertModel(BertConfig(**args)).save_pretrained(path)
    return path
