"""Command lines: wrong words, options and environments over valid files."""

from random import Random

from tests.fuzz.harness import Case
from tests.fuzz.mutations import NUMBERS, STRINGS, Raw
from tests.fuzz.world import STUDY, TRIAL, World

SWEEP = b"""\
method: random
command: ["true", "${args}"]
parameters:
  lr: {min: 0.001, max: 0.1}
"""
COMMANDS: list[tuple[str, ...]] = [
    (*STUDY, "--dry-run"),
    (*STUDY, "--dry-run", "--json", "--set", "train.epochs=1", "--fork", "other"),
    (*STUDY, "--root", "runs", "--checkpoint-every", "10", "--wandb", "disabled"),
    (*TRIAL, "--seed", "0", "--rho", "0.1", "--length", "1"),
    ("trial", "tiny.toml", "--variant", "plain", "--point", "0", "--root", "runs", "--json"),
    (*TRIAL, "--fix", "rho=0.1", "--set", "train.epochs=1", "--out", "out", "--json"),
    ("best", "tiny", "--format", "python", "--root", "runs"),
    ("best", "tiny", "--format", "json"),
    ("leaderboard", "tiny", "--check", "--folder", "runs"),
    ("leaderboard", "--format", "md", "--folder", "boards"),
    ("leaderboard", "tiny", "--html", "--folder", "boards"),
    ("merge", "boards/tiny.csv", "--into", "joined"),
    ("variants", "sam", "--json"),
    ("variants",),
    ("sweep", "export", "tiny.toml", "--variant", "sam", "--set", "train.epochs=1"),
    ("sweep", "run", "sweep.yaml", "--local", "--count", "1", "--seed", "0", "--workers", "1"),
    ("sweep", "dashboard", "tiny", "--project", "p", "--entity", "e"),
    ("bench", "--rounds", "1", "--image-size", "8", "--batch-size", "2", "--variants", "plain"),
]
OPTIONS = [
    "--set", "--device", "--workers", "--wandb", "--fork", "--publish", "--dry-run", "--json",
    "--root", "--checkpoint-every", "--variant", "--lr", "--rho", "--fix", "--seed", "--out",
    "--point", "--length", "--wandb-runs",
    "--points", "--into",
    "--format", "--folder", "--check", "--html", "--model", "--amp", "--engine", "--count",
    "--local", "--upload", "--help", "--version", "--nothing", "-h", "--", "-",
]  # fmt: skip
KEYS = [
    "name", "seed", "task.dataset", "task.model", "task.image_size", "task.model_args", "train.lr",
    "train.epochs", "train.batch_size", "train.mixup", "train.base", "search.budget", "variants",
    "search.space.lr", "search.space.lr.low", "confirm.seeds", "search.searches", "a.b.c", "", ".",
    "task", "train.betas", "train.momentum", "task.split.train", "task.stream",
]  # fmt: skip
SETTINGS = [
    "RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "WANDB_MODE", "WANDB_PROJECT",
    "WANDB_SWEEP_ID", "WANDB_RUN_ID", "WANDB_DIR", "TMPDIR", "HOME", "OMP_NUM_THREADS", "COLUMNS",
    "CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED", "XDG_CACHE_HOME", "TORCH_HOME", "LANG",
]  # fmt: skip
WRITES = ("runs/*", "boards/*", "out/*", "sweep-*.yaml", "dashboard.json")


def make(rng: Random, world: World) -> Case:
    """A valid command line with one to three things wrong."""
    words = list(rng.choice(COMMANDS))
    known: dict[str, str] = {}
    told = [_change(rng, words, known) for _ in range(rng.choice([1, 1, 1, 2]))]
    return _case("; ".join(told), tuple(words), known, world)


def valid(world: World) -> Case:
    """A trial, as it should be called."""
    return _case("a whole command line", COMMANDS[3], {}, world)


def _case(what: str, words: tuple[str, ...], known: dict[str, str], world: World) -> Case:
    return Case(
        what,
        words,
        {
            "tiny.toml": world.study,
            "sweep.yaml": SWEEP,
            "boards/tiny.csv": world.records[0],
        },
        {"runs": world.runs},
        known,
        writes=WRITES,
        roams=True,
        lines=3,
        cut_s=10 if words[:1] in (("study",), ("trial",), ("bench",), ("sweep",)) else None,
    )


def _change(rng: Random, words: list[str], known: dict[str, str]) -> str:
    """Half of the time the value of an option, else words, options, keys or surroundings."""
    at = rng.randrange(len(words) + 1)
    place = min(at, len(words) - 1)
    values = [i + 1 for i, word in enumerate(words[:-1]) if word.startswith("--")]
    match rng.randrange(14):
        case 0 if len(words) > 1:
            return f"without {words.pop(place)!r}"
        case 1:
            words.insert(at, _word(rng))
            return f"with {words[at]!r:.80}"
        case 2:
            words[at:at] = [rng.choice(OPTIONS), _word(rng)]
            return f"with {' '.join(words[at : at + 2])!r:.80}"
        case 3 | 4 | 5 if words[0] in ("study", "trial"):
            words += ["--set", f"{rng.choice(KEYS)}={_word(rng)}"]
            return f"with {words[-1]!r:.80}"
        case 6:
            name, value = rng.choice(SETTINGS), _word(rng)
            known[name] = value
            return f"{name}={value!r:.80}"
        case 7 if words:
            words.insert(at, words[place])
            return f"{words[place]!r} twice"
    place = rng.choice(values) if values and rng.random() < 0.8 else place
    before = words[place]
    words[place] = rng.choice([_word(rng), _word(rng), before[:-1], f"{before}x", before.upper()])
    return f"{before!r} became {words[place]!r:.80}"


def _word(rng: Random) -> str:
    """What a shell can pass: any bytes but zeros."""
    value = rng.choice([rng.choice(STRINGS), rng.choice(NUMBERS), "\udcff\udcfe", "*", "[1"])
    if isinstance(value, Raw):
        value = value.text
    elif isinstance(value, int) and value.bit_length() > 10_000:
        value = "1" * 3000
    return str(value).replace("\0", "")[:100_000]
