"""Models and tokenizers by transformers: of its hub, of a folder, or with random weights."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from sambench.errors import UserError, echo, nearest, said
from sambench.tasks.contents import Contents, fingerprint
from sambench.tasks.offline import without_retries
from sambench.tasks.text.sequences import NONE

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

RANDOM = "config:"
WORDS = "words:"
DEFAULT = f"{WORDS}8000"
"""The tokenizer of a model with random weights."""
MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
Texts = tuple[tuple[str, ...], ...]


class Reader(nn.Module):
    """(b, 2, length), see `Sequences`, -> logits (b, classes)."""

    def __init__(self, model: nn.Module, config: "PreTrainedConfig") -> None:
        super().__init__()
        self.model = model
        self._filler = config.pad_token_id
        self._knows_pairs = getattr(config, "type_vocab_size", 0) > 1

    def forward(self, x: Tensor) -> Tensor:
        ids, parts = x.unbind(1)
        mask = ids != NONE
        given = {"token_type_ids": parts} if self._knows_pairs else {}
        filled = ids.masked_fill(~mask, self._filler)
        return self.model(input_ids=filled, attention_mask=mask.long(), **given).logits


def build(
    model: str, args: Mapping[str, Any], tokenizer: "PreTrainedTokenizerBase", num_classes: int
) -> Reader:
    """A new head draws from torch's global generator, as do all weights of a `config:` model."""
    from transformers import AutoModelForSequenceClassification as Classifier

    config = configuration(model, args, tokenizer)
    config.num_labels = num_classes
    config.pad_token_id = _first(config.pad_token_id, config.eos_token_id, 0)
    with _blamed("task.model", model, "model"):
        if model.startswith(RANDOM):
            return Reader(Classifier.from_config(config, dtype=torch.float32), config)
        made, found = Classifier.from_pretrained(
            _place(model), config=config, dtype=torch.float32, output_loading_info=True
        )
    if len(found["missing_keys"]) == len(made.state_dict()):
        raise UserError(f"task.model: {echo(model)} holds no weights of a {config.model_type}")
    return Reader(made, config)


def check(
    model: str, args: Mapping[str, Any], tokenizer: "PreTrainedTokenizerBase", num_tokens: int
) -> None:
    """UserError for a model that classifies no texts, or does not go with the tokenizer."""
    from transformers import AutoModelForSequenceClassification as Classifier

    config = configuration(model, args, tokenizer)
    with _blamed("task.model", model, "model"), torch.device("meta"):
        try:
            Classifier.from_config(config)
        except ValueError as error:
            if not str(error).startswith("Unrecognized configuration class"):
                raise
            raise UserError(
                f"task.model: {echo(model)} is a {config.model_type}, and transformers has none "
                "with a head that classifies sequences"
            ) from None
    if len(tokenizer) > config.vocab_size:
        raise UserError(
            f"task.tokenizer: has {len(tokenizer)} tokens, and {echo(model)} knows "
            f"{config.vocab_size}"
        )
    longest = min(
        getattr(config, "max_position_embeddings", None) or num_tokens, tokenizer.model_max_length
    )
    if num_tokens > longest:
        raise UserError(
            f"task.max_tokens: must be <= {longest}, which is what {echo(model)} reads, "
            f"got {num_tokens}"
        )


def configuration(
    model: str, args: Mapping[str, Any], tokenizer: "PreTrainedTokenizerBase"
) -> "PreTrainedConfig":
    """UserError for arguments that it does not know."""
    from transformers import CONFIG_MAPPING, AutoConfig

    if not model.startswith(RANDOM):
        with _blamed("task.model", model, "model"):
            _check_args(args, AutoConfig.from_pretrained(_place(model)))
            return AutoConfig.from_pretrained(_place(model), **args)
    kind = model.removeprefix(RANDOM)
    if kind not in CONFIG_MAPPING:
        raise UserError(
            f"task.model: no type {echo(kind)} of models, {nearest(kind, CONFIG_MAPPING)}"
        )
    ids = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": _first(tokenizer.bos_token_id, tokenizer.cls_token_id),
        "eos_token_id": _first(tokenizer.eos_token_id, tokenizer.sep_token_id),
        "decoder_start_token_id": tokenizer.pad_token_id,
    }
    _check_args(args, AutoConfig.for_model(kind))
    with _blamed("task.model_args", model, "model"):
        return AutoConfig.for_model(kind, **{**ids, **args})


def _check_args(args: Mapping[str, Any], config: "PreTrainedConfig") -> None:
    known = {*config.to_dict(), *config.attribute_map} - {"num_labels"}
    for name in args:
        if name not in known:
            raise UserError(f"task.model_args.{name}: unknown key, {nearest(name, known)}")


def tokenizer(name: str, texts: Texts) -> "PreTrainedTokenizerBase":
    """Of a folder or the hub, or of these texts' most frequent words, all others in letters."""
    _library()
    if name.startswith(WORDS):
        return _counted(name, texts)
    return _loaded(name)


@lru_cache(maxsize=2)
def _loaded(name: str) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer

    with _blamed("task.tokenizer", name, "tokenizer"):
        return AutoTokenizer.from_pretrained(_place(name))


@lru_cache(maxsize=2)
def _counted(name: str, texts: Texts) -> "PreTrainedTokenizerBase":
    """Ties are broken by the alphabet: a trainer of tokenizers gives other pieces each time."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    size = name.removeprefix(WORDS)
    if not size.isdecimal() or not 0 < int(size) <= 10**6:
        raise UserError(f"task.tokenizer: a number of words follows {WORDS}, got {echo(name)}")
    normalizer, splitter = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    counts = Counter(
        word
        for text in texts
        for part in text
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(part))
    )
    words = sorted(counts, key=lambda word: (-counts[word], word))[: int(size)]
    letters = sorted({letter for word in counts for letter in word})
    vocabulary = dict.fromkeys([*MARKS, *letters, *(f"##{own}" for own in letters), *words])
    ids = {piece: number for number, piece in enumerate(vocabulary)}
    made = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizer, splitter
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(mark, ids[mark]) for mark in ("[CLS]", "[SEP]")],
    )
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(tokenizer_object=made, **dict(zip(names, MARKS, strict=True)))


@lru_cache(maxsize=1)
def encoded(tokenizer: "PreTrainedTokenizerBase", texts: Texts, at_most: int) -> np.ndarray:
    """(n, 2, longest) int64, see `Sequences`; what is longer than `at_most` is cut."""
    firsts, *seconds = zip(*texts, strict=True)
    with _quiet():
        found = tokenizer(
            [*firsts],
            [*seconds[0]] if seconds else None,
            truncation=True,
            max_length=at_most,
            return_token_type_ids=True,
        )
    ids, parts = found["input_ids"], found["token_type_ids"]
    x = np.zeros((len(ids), 2, max(map(len, ids))), np.int64)
    x[:, 0] = NONE
    for row, own, part in zip(x, ids, parts, strict=True):
        row[0, : len(own)], row[1, : len(own)] = own, part
    return x


def contents(model: str, tokenizer: str | None) -> Contents:
    """Digests of the files of folders; of what the hub has, of the commit and the vocabulary."""
    found = {}
    if not model.startswith(RANDOM):
        found |= _files("model", model) or {"model": _commit(model)}
    if tokenizer and not tokenizer.startswith(WORDS):
        found |= _files("tokenizer", tokenizer) or {"tokenizer": _vocabulary(tokenizer)}
    return found


def _files(what: str, name: str) -> dict[str, str]:
    folder = Path(_place(name))
    files = sorted(own for own in folder.iterdir() if own.is_file()) if folder.is_dir() else []
    return {f"{what}/{own.name}": _digest(own, own.stat().st_mtime_ns) for own in files}


@lru_cache(maxsize=2)
def _commit(name: str) -> str:
    from transformers import AutoConfig

    with _blamed("task.model", name, "model"):
        return str(AutoConfig.from_pretrained(name)._commit_hash)


def _vocabulary(name: str) -> str:
    return fingerprint(repr(sorted(_loaded(name).get_vocab().items())).encode())


def _place(name: str) -> str:
    """A folder's path, or a name of the hub."""
    folder = Path(name).expanduser()
    return str(folder) if folder.is_dir() else name


@lru_cache(maxsize=64)
def _digest(path: Path, stamp: int) -> str:
    return fingerprint(path.read_bytes())


@contextmanager
def _blamed(key: str, name: str, what: str) -> Iterator[None]:
    """What transformers raises, as one line; what it writes is not for a study."""
    try:
        with _quiet(), without_retries():
            yield
    except UserError:
        raise
    except OSError as error:
        where = (
            "the folder" if Path(_place(name)).is_dir() else "no folder, and the hub or its cache"
        )
        raise UserError(
            f"{key}: no {what} {echo(name)}: {where} gives none: {said(error)}"
        ) from None
    except Exception as error:
        raise UserError(f"{key}: {echo(name)} cannot be built: {said(error)}") from None


@contextmanager
def _quiet() -> Iterator[None]:
    logging = _library().utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _library() -> Any:
    try:
        import transformers
    except ImportError:
        raise UserError(
            "task.kind: text needs transformers, which is not installed: "
            "pip install 'sambench[text]'"
        ) from None
    return transformers


def _first(*ids: object) -> int | None:
    return next((own for own in ids if isinstance(own, int)), None)
