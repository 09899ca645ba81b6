"""Study files: every key is checked, every error is one line that says what to write instead."""

import json
import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

import variants
from sambench import stats
from sambench.config import (
    Arm,
    Space,
    Study,
    Train,
    baselines,
    changed_keys,
    extensions,
    fingerprint,
    load,
    loading,
    parse,
)
from sambench.config.table import if_set
from sambench.errors import UserError

MINI = """
variants = ["plain", "sam"]
task = { dataset = "digits", model = "test_resnet" }
train = { epochs = 4, batch_size = 32 }
search = { space.lr = { low = 0.01, high = 1, log = true } }
"""

SHIPPED = tuple(
    sorted(path.stem for path in (Path(__file__).parents[3] / "studies").glob("*.toml"))
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with one small study in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mini.toml").write_text(MINI)
    return tmp_path


def complaint(*overrides: str, source: str = "mini.toml") -> str:
    """What `load` says, which must be one line."""
    with pytest.raises(UserError) as caught:
        load(source, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def with_table(table: str, *overrides: str) -> Study:
    """The small study with one [[variant]] table more."""
    return load("mini.toml", [f"variant=[{table}]", *overrides])


# --- values and defaults


def test_what_the_file_leaves_out_has_defaults() -> None:
    study = load("mini.toml")
    assert (study.name, study.question, study.seed) == ("mini", "", 0)
    assert study.task.image_size is None
    assert study.task.split.model_dump() == {"train": None, "val": None, "test": None}
    assert study.train.model_dump() == {
        "base": "sgd",
        "momentum": 0.9,
        "nesterov": False,
        "betas": (0.9, 0.999),
        "weight_decay": 5e-4,
        "epochs": 4,
        "batch_size": 32,
        "schedule": "cosine",
        "warmup_epochs": 0,
        "label_smoothing": 0,
        "augment": "none",
    }
    search = study.search
    assert (search.budget, search.searches, search.margin) == (8.0, 5, 1.0)
    assert (search.sampler, search.pruner, search.lr) == ("random", "none", None)
    assert (study.confirm.seeds, study.train.yields) == (10, "last")


def test_a_dump_is_a_study_again() -> None:
    study = with_table('{name="asam", label="b", fix={form="davda"}, space.eta={choices=[0, 1]}}')
    dump = json.loads(json.dumps(study.model_dump(mode="json")))
    assert parse(dump) == study


def test_a_study_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load("mini.toml").train.epochs = 5  # pyright: ignore[reportAttributeAccessIssue]


# --- arms


def arms(*overrides: str) -> dict[str, Arm]:
    """The small study's competitors by label."""
    return {arm.label: arm for arm in load("mini.toml", overrides).arms()}


def test_arms_stand_in_the_order_of_the_file() -> None:
    study = with_table('{name="asam"}', 'variants=["sam", "plain"]')
    assert [(arm.label, arm.key) for arm in study.arms()] == [
        ("sam", "sam"),
        ("plain-x0.5", "plain"),
        ("plain", "plain"),
        ("plain-x2", "plain"),
        ("asam", "asam"),
    ]
    assert study.labels() == [arm.label for arm in study.arms()] == [*study.asked()]


def test_the_baseline_enters_at_half_one_and_two_schedule_lengths() -> None:
    found = arms()
    plain = [found[label] for label in ("plain-x0.5", "plain", "plain-x2")]
    assert [(arm.length, arm.epochs, arm.cost(4)) for arm in plain] == [
        (0.5, 2, Fraction(1, 2)),
        (1.0, 4, 1),
        (2.0, 8, 2),
    ]
    assert {arm.radius for arm in plain} == {None}
    assert [list(arm.space) for arm in plain] == [["lr"]] * 3
    assert (found["sam"].length, found["sam"].cost(4)) == (1.0, 2)


def test_half_of_one_epoch_is_no_schedule_of_its_own() -> None:
    found = arms("variants=['plain']", "train.epochs=1")
    assert [(arm.label, arm.epochs) for arm in found.values()] == [("plain", 1), ("plain-x2", 2)]


@pytest.mark.parametrize(
    ("length", "labels", "epochs"),
    [
        ("1", ["sam"], [4]),
        ("0.25", ["sam-x0.25"], [1]),
        ("[2, 1]", ["sam-x2", "sam"], [8, 4]),
        ("[1.5, 0.01]", ["sam-x1.5", "sam-x0.01"], [6, 1]),
        ("1000", ["sam-x1000"], [4000]),
    ],
)
def test_any_variant_may_enter_at_any_length(
    length: str, labels: list[str], epochs: list[int]
) -> None:
    table = f'variant=[{{name="sam", length={length}}}]'
    found = arms('variants=["plain"]', table, "search.budget=2000").values()
    own = [arm for arm in found if arm.key == "sam"]
    assert ([arm.label for arm in own], [arm.epochs for arm in own]) == (labels, epochs)


def test_the_suffix_of_a_length_stands_behind_a_label() -> None:
    table = '{name="sam", label="wide", length=[0.5, 1]}'
    assert [*arms(f"variant=[{table}]")][-2:] == ["wide-x0.5", "wide"]


def test_a_run_costs_its_declared_passes_and_its_length() -> None:
    found = arms('variants=["plain", "gam", "esam"]', "train.epochs=10", "search.budget=12")
    assert (found["gam"].passes, found["gam"].cost(10)) == (4.0, 4)
    esam = found["esam"]
    assert esam.cost(10) == Fraction(repr(esam.passes)) == variants_passes("esam")


def variants_passes(key: str) -> Fraction:
    return Fraction(str(variants.info(key).passes))


@pytest.mark.parametrize(
    ("budget", "searches", "points"),
    [
        (8, 5, {"plain-x0.5": 80, "plain": 40, "plain-x2": 20, "sam": 20}),
        (2, 1, {"plain-x0.5": 4, "plain": 2, "plain-x2": 1, "sam": 1}),
        (7.5, 3, {"plain-x0.5": 45, "plain": 23, "plain-x2": 12, "sam": 12}),
        (2.2, 15, {"plain-x0.5": 66, "plain": 33, "plain-x2": 17, "sam": 17}),
    ],
)
def test_a_pool_holds_the_points_of_all_searches(
    budget: float, searches: int, points: dict[str, int]
) -> None:
    """15 searches at budget 2.2 are 33 runs: in floating point 33.000000000000004."""
    study = load("mini.toml", [f"search.budget={budget}", f"search.searches={searches}"])
    assert {arm.label: study.points(arm) for arm in study.arms()} == points


def test_arms_share_positions_by_axis() -> None:
    found = arms('variants=["plain", "sam", "random_sam"]', 'variant=[{name="looksam"}]')
    assert found["plain"].axes == {"lr": "lr"}
    assert found["sam"].axes == {"lr": "lr", "rho": "radius"}
    table = '{name="looksam", label="k", space.k={low=2, high=9}}'
    assert with_table(table).arms()[-1].axes == {"lr": "lr", "rho": "radius", "k": "k"}


def test_an_arm_knows_the_paper_s_values_of_what_it_searches() -> None:
    assert arms()["sam"].defaults == {"rho": variants.info("sam").hyperparameters["rho"].default}
    assert arms()["plain"].defaults == {}
    table = '{name="asam", label="b", space.form={choices=["davda", "samsung"]}}'
    assert set(with_table(table).arms()[-1].defaults) == {"rho"}


def test_an_arm_comes_back_from_its_dump() -> None:
    table = '{name="looksam", label="k", length=0.5, space={k={low=2, high=9}}}'
    for arm in with_table(table).arms():
        dump = json.loads(json.dumps(arm.model_dump(mode="json")))
        assert Arm.model_validate(dump) == arm


def test_of_several_baselines_the_one_of_that_name_comes_first() -> None:
    keys = {"sam": "sam", "plain-short": "plain", "a": "plain", "plain": "plain"}
    assert baselines(keys) == ["plain", "a", "plain-short"]
    assert baselines({"sam": "sam"}) == []


@pytest.mark.parametrize("key", sorted({*variants.names()} - {"plain", "m_sam"}))
def test_every_variant_searches_lr_and_its_radius_in_the_registered_range(key: str) -> None:
    info = variants.info(key)
    arm = arms(f'variants=["plain", "{key}"]', "search.budget=100")[key]
    assert arm.radius is not None
    known = info.hyperparameters[arm.radius]
    assert known.range is not None
    low, high = known.range
    assert arm.space == {
        "lr": Space(low=0.01, high=1, log=True),
        arm.radius: Space(low=low, high=high, log=known.log),
    }


def test_a_rule_by_name_runs_inside_another() -> None:
    fixed = 'fix={inner="asam", start=0.75}, space.rho={low=0.1, high=2}'
    table = f'{{name="late_sam", label="late", {fixed}}}'
    arm = with_table(table).arms()[-1]
    assert (arm.passes, arm.radius, list(arm.space)) == (1.25, "rho", ["lr", "rho"])
    with pytest.raises(UserError, match="fix: unknown variant 'asma'; did you mean asam"):
        with_table('{name="late_sam", label="late", fix={inner="asma"}}').arms()


def test_a_table_fixes_widens_and_adds() -> None:
    arm = with_table(
        '{name="esam", label="wide", fix={keep="paper"}, '
        "space={gamma={choices=[0.5, 1]}, beta={low=0.5, high=1}, rho={low=0, high=1}}}"
    ).arms()[-1]
    assert (arm.label, arm.key, arm.fix, arm.radius) == ("wide", "esam", {"keep": "paper"}, "rho")
    assert list(arm.space) == ["lr", "rho", "beta", "gamma"], "the radius, then registry order"
    assert arm.space["rho"] == Space(low=0, high=1)
    assert arm.space["gamma"].choices == (0.5, 1)


def test_a_fixed_radius_is_not_searched() -> None:
    arm = with_table('{name="sam", label="fixed", fix={rho=0.1}}').arms()[-1]
    assert (list(arm.space), arm.radius) == (["lr"], "rho")


def test_a_fixed_learning_rate_is_not_searched() -> None:
    found = arms("search.lr=0.1")
    assert {arm.lr for arm in found.values()} == {0.1}
    assert {label: list(arm.space) for label, arm in found.items()} == {
        "plain-x0.5": [],
        "plain": [],
        "plain-x2": [],
        "sam": ["rho"],
    }
    assert {arm.lr for arm in arms().values()} == {None}


def test_ends_of_a_range_have_the_type_of_the_hyperparameter() -> None:
    table = '{name="looksam", space={k={low=2, high=9}, alpha={low=0, high=1}}}'
    lr, _, k, alpha = with_table(table).arms()[-1].space.values()
    ends = [lr.high, k.low, k.high, alpha.low, alpha.high]
    assert [type(end) for end in ends] == [float, int, int, float, float]


# --- bad input

RATE = "search.space.lr: is required, such as { low = 0.001, high = 1.0, log = true }, or lr = 0.1"
SEARCHED = (
    "confirm.seeds: is for a study that searches nothing, and plain's lr is searched: give it a "
    "value, or leave seeds out (search.searches is the size of a search)"
)

RULES = {
    "serach.trials=3": "serach: unknown key, did you mean search?",
    "train.epohcs=3": "train.epohcs: unknown key, did you mean epochs or warmup_epochs?",
    "task.split.zzz=3": "task.split.zzz: unknown key, choose from test, train, val",
    "train.batch_size=0": "train.batch_size: must be >= 1, got 0",
    "train.epochs=2.0": "train.epochs: must be a whole number, got 2.0",
    "train.epochs=true": "train.epochs: must be a whole number, got True",
    "train.epochs=many": "train.epochs: must be a whole number, got 'many'",
    "train.momentum=1": "train.momentum: must be < 1, got 1",
    "train.weight_decay=inf": "train.weight_decay: must be finite, got inf",
    "train.nesterov=1": "train.nesterov: must be true or false, got 1",
    "train.base=adamv": "train.base: unknown value 'adamv', did you mean adam or adamw or adamp?",
    "train.base=adamW": "train.base: unknown value 'adamW', did you mean adamw?",
    "train.base=Ada-Factor": "train.base: unknown value 'Ada-Factor', did you mean adafactor?",
    "train.schedule=Cosine": "train.schedule: unknown value 'Cosine', did you mean cosine?",
    "Train.epochs=3": "Train: unknown key, did you mean train?",
    "train.batch-size=3": "train.batch-size: unknown key, did you mean batch_size?",
    "train.base=adahessian": "train.base: adahessian needs second derivatives and cannot be a "
    "base, did you mean adan or adadelta or adanw?",
    "train.base=lbfgs": "train.base: lbfgs evaluates the loss itself and cannot be a base, "
    "choose from adamw, sgd",
    "train.base_args.lr=1": "train.base_args.lr: cannot stand here, it is searched",
    "train.schedule=cosin": "train.schedule: unknown value 'cosin', did you mean cosine?",
    "train.schedule=plateau": "train.schedule: plateau waits for validation scores; schedules here "
    "are functions of time",
    "train.schedule_args.min_lrs=0.1": "train.schedule_args.min_lrs: unknown key, "
    "did you mean min_lr?",
    "train.schedule=step": "train.schedule_args.decay_epochs: is required",
    "train.layer_decay=0": "train.layer_decay: must be > 0, got 0",
    "train.betas=[0.9]": "train.betas[1]: is required",
    "train.betas=[0.9, 0.9, 0.9]": "train.betas: must hold 2 values, got [0.9, 0.9, 0.9]",
    'train.betas=["0.9", 0.9]': "train.betas[0]: must be a number, got '0.9'",
    "train.warmup_epochs=4": "train.warmup_epochs: must be < epochs = 4, got 4.0",
    "train=3": "train: must be a table, got 3",
    "task={dataset='digits'}": "task.model: is required",
    "task.dataset=": "task.dataset: must not be empty, got ''",
    "task.label_noise=-0.1": "task.label_noise: must be >= 0, got -0.1",
    "task.split={train=0, val=0, test=0}": "task.split.train: must be >= 1, got 0 (and 2 more)",
    "seed=-1": "seed: must be >= 0, got -1",
    "name=2024": "name: must be a string, got 2024",
    "name=a/b": "name: must be letters, digits, . _ - and not start with . or -, got 'a/b'",
    "name=..": "name: must be letters, digits, . _ - and not start with . or -, got '..'",
    "search.sampler=rndom": "search.sampler: unknown value 'rndom', did you mean random?",
    "search.sampler=halton": "search.sampler: halton is no more: points are random; "
    "leave the key out",
    "search.trials=8": "search.trials: is no more: write search.budget, in full runs of the "
    "baseline",
    "finalists.top=2": "finalists: is no more: whatever may win a search is retrained, the better "
    "the more often; leave it out",
    "equal_epochs=true": "equal_epochs: is no more: plain enters at half, one and two schedule "
    "lengths; leave it out",
    "search.pruner=median": "search.pruner: is for tpe and gp: a pool's points run to their end; "
    "leave it out",
    "search.budget=0": "search.budget: must be > 0, got 0",
    "search.budget=1.5": "search.budget: 1.5 full runs of the baseline afford plain-x2 no run, "
    "which costs 2; write 6 for a ranking",
    "search.searches=0": "search.searches: must be >= 1, got 0",
    "search.margin=0": "search.margin: must be > 0, got 0",
    "confirm.seeds=20": SEARCHED,
    "confirm.seeds=10": SEARCHED,
    "confirm.seeds=1": "confirm.seeds: must be >= 2, got 1",
    "search={lr=0.1, space.lr={low=0.01, high=1}}": "search.lr: cannot stand beside space.lr: "
    "it is fixed or searched",
    "search={}": RATE,
    "search.lr={low=0.1, high=1}": "search.lr: must be a number; a range stands in search.space.lr",
    "search.lr=0": "search.lr: must be > 0, got 0",
    "search.lr=1e7": "search.lr: must be <= 1e+06, got 10000000.0",
    "train.yields=first": "train.yields: unknown value 'first', choose from best, last",
    "search.space={}": RATE,
    "search.space.rho={low=1, high=2}": "search.space.rho: only lr is searched for all variants; "
    "use a [[variant]] table",
    "search.space.lr.low=0": "search.space.lr.low: must be > 0 on a log scale, got 0",
    "search.space.lr={low=0, high=1}": "search.space.lr.low: must be a number > 0, got 0",
    "search.space.lr={choices=[0.1, 'x']}": "search.space.lr.choices[1]: "
    "must be a number > 0, got 'x'",
    "search.space.lr={choices=[]}": "search.space.lr.choices: must not be empty, got []",
    "search.space.lr={low=1}": "search.space.lr.high: is required, or choices",
    "search.space.lr={log=true}": "search.space.lr.low: is required, or choices",
    "search.space.lr.low=1": "search.space.lr.low: must be < high = 1, got 1",
    "search.space.lr.low=x": "search.space.lr.low: must be a finite number, got 'x'",
    "search.space.lr.high=nan": "search.space.lr.high: must be a finite number, got nan",
    "search.space.lr.choices=[1]": "search.space.lr.choices: cannot stand beside low, high or log",
    "search.space.lr={choices=[1], log=true}": "search.space.lr.choices: "
    "cannot stand beside low, high or log",
    "search.space.lr={choices=[true]}": "search.space.lr.choices[0]: "
    "must be a number > 0, got True",
    "train={epochs=1, batch_size=1, momentum=0, nesterov=true}": "train.nesterov: "
    "needs momentum > 0",
    "variants=plain": "variants: must be a list, got 'plain'",
    "variants=['sam']": "variants: must hold the baseline 'plain'",
    "variant=[{name='sam'}]": "variants: label 'sam' is used twice; labels must be unique, those "
    "of variants and [[variant]] tables together",
    "variant=[{name='asam', fix={rho=[1]}}]": "variant[0].fix.rho: "
    "must be a finite number, a string, true or false, got [1]",
    "variant=[{name='sam', length=[1, 2]}]": "variants: label 'sam' is used twice; "
    "labels must be unique, those of variants and [[variant]] tables together",
    "variant=[{name='asam', length=0}]": "variant[0].length: must be > 0 and <= 1000, got 0",
    "variant=[{name='asam', length=2000}]": "variant[0].length: must be > 0 and <= 1000, got 2000",
    "variant=[{name='asam', length=nan}]": "variant[0].length: must be > 0 and <= 1000, got nan",
    "variant=[{name='asam', length='half'}]": "variant[0].length: must be a number or a list of "
    "numbers, got 'half'",
    "variant=[{name='asam', length=true}]": "variant[0].length: must be a number or a list of "
    "numbers, got True",
    "variant=[{name='asam', length=[]}]": "variant[0].length: must be different numbers, got []",
    "variant=[{name='asam', length=[2, 2.01]}]": "variant[0].length: 2 and 2.01 are the same "
    "schedule, of epochs: 8",
    "variant=[{name='asam', length=[1, 1.0]}]": "variant[0].length: must be different numbers, "
    "got [1, 1.0]",
    "variant=[{name='asam', space.epochs_factor={choices=[1, 2]}}]": "variant[0].space."
    "epochs_factor: is no more; write length = [0.5, 1, 2]",
    "variant=[{name='asam', fix={epochs_factor=2}}]": "variant[0].fix."
    "epochs_factor: is no more; write length = [0.5, 1, 2]",
    "variant=[{name='asam', fix={rho=1}, space.rho={low=1, high=2}}]": "variant[0].space.rho: "
    "cannot be fixed and searched at once",
}


@pytest.mark.parametrize(("override", "rule"), RULES.items(), ids=RULES)
def test_a_broken_rule_is_named(override: str, rule: str) -> None:
    assert complaint(override) == f"mini.toml with {override}: {rule}"


@pytest.mark.parametrize(
    ("override", "place", "nearest"),
    [
        ("variants=['plain', 'looksma']", "variants[1]", "looksam"),
        ("variant=[{name='asma'}]", "variant[0]", "asam"),
        ("variant=[{name='asam', fix={rh=1}}]", "variant[0].fix", "rho"),
        ("variant=[{name='asam', fix={rho=-1}}]", "variant[0].fix", ">= 0"),
        ("variant=[{name='asam', fix={rho='x'}}]", "variant[0].fix", "number"),
        ("variant=[{name='looksam', space.h={low=2, high=9}}]", "variant[0].space.h.low", "k"),
        ("variant=[{name='looksam', space.k={low=2, high=9.5}}]", "variant[0].space.k.high", "9.5"),
        ("variant=[{name='asam', space.rho={low=-1, high=2}}]", "variant[0].space.rho.low", ">= 0"),
        (
            "variant=[{name='esam', space.beta={low=0.5, high=2}}]",
            "variant[0].space.beta.high",
            "1",
        ),
        (
            "variant=[{name='asam', space.form={choices=['davda', 'x']}}]",
            "variant[0].space.form.choices[1]",
            "samsung",
        ),
    ],
)
def test_the_registry_s_complaints_name_the_key(override: str, place: str, nearest: str) -> None:
    start = f"mini.toml with {override}: {place}: "
    message = complaint(override)
    assert message.startswith(start)
    assert nearest in message.removeprefix(start)


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_adaptive_samplers_may_prune(sampler: str) -> None:
    search = load("mini.toml", [f"search.sampler={sampler}", "search.pruner=median"]).search
    assert (search.sampler, search.pruner) == (sampler, "median")


def test_tpe_needs_20_trials_of_every_arm() -> None:
    at = ["search.sampler=tpe", "search.budget=4"]
    assert "search.searches: tpe needs 20 trials of every arm, of which the first are random, and "
    message = complaint(*at, "search.searches=9")
    assert message.endswith("and plain-x2 has 18; write 10")
    assert load("mini.toml", [*at, "search.searches=10"]).search.sampler == "tpe"
    assert load("mini.toml", ["search.sampler=gp", "search.searches=1"]).search.sampler == "gp"


def test_a_study_that_searches_nothing_confirms_on_seeds() -> None:
    fixed = ['variant=[{name="sam", fix={rho=0.1}}]', 'variants=["plain"]', "search.lr=0.1"]
    assert load("mini.toml", [*fixed, "confirm.seeds=20"]).confirm.seeds == 20
    assert load("mini.toml", [*fixed, "search.budget=0.1"]).confirm.seeds == 10
    assert "confirm.seeds: is for a study" in complaint("search.lr=0.1", "confirm.seeds=20")


def test_a_budget_must_afford_every_arm_a_run() -> None:
    gam = "variants=['plain', 'gam']"
    message = complaint(gam, "search.budget=3.9")
    assert message.endswith("afford gam no run, which costs 4; write 12 for a ranking")
    assert loading.RANKED_FROM == stats.RANKED_FROM
    assert len(load("mini.toml", [gam, "search.budget=4"]).arms()) == 4


def test_plain_tables_are_a_study_too() -> None:
    data = load("mini.toml").model_dump(exclude={"name"})
    assert parse(data).name == "study"
    with pytest.raises(UserError, match=r"^mine: seed: must be >= 0, got -1$"):
        parse({**data, "seed": -1}, "mine")


def test_a_syntax_error_is_located(folder: Path) -> None:
    (folder / "mini.toml").write_text("seed = 1\nvariants = [oops]\n")
    assert "mini.toml: Invalid value (at line 2, column 13)" == complaint()


def test_bytes_that_are_no_text_are_refused(folder: Path) -> None:
    (folder / "mini.toml").write_bytes(b"question = '\xff'")
    assert complaint().startswith("mini.toml: 'utf-8' codec can't decode byte 0xff")


# --- finding


def test_a_path_wins_over_a_name_and_the_working_directory_over_shipped_studies(
    folder: Path,
) -> None:
    (folder / "studies").mkdir()
    (folder / "studies" / "digits.toml").write_text("seed = 1\n" + MINI)
    assert (load("digits").seed, load(Path("studies/digits.toml")).seed) == (1, 1)
    (folder / "digits").write_text("seed = 2\n" + MINI)
    assert load("digits").seed == 2


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_studies_are_found_from_anywhere(name: str) -> None:
    study = load(name)
    assert study.name == name
    assert study.question.endswith("?")
    assert {arm.key for arm in study.arms()} > {"plain"}


def test_an_unknown_study_names_the_nearest() -> None:
    assert complaint(source="digts").startswith("unknown study 'digts', did you mean digits")
    assert "did you mean digits" in complaint(source="no/digits.toml")
    told = complaint(source="zzz")
    assert told.startswith("unknown study 'zzz', nearest: ")
    assert told.endswith(f"; {len(SHIPPED) + 1} in all")


# --- extends


def test_extends_merges_tables_and_replaces_the_rest(folder: Path) -> None:
    (folder / "base").mkdir()
    (folder / "base" / "mini.toml").write_text('name = "base"\nseed = 7\n' + MINI)
    (folder / "child.toml").write_text(
        'extends = "base/mini.toml"\nvariants = ["plain", "esam"]\ntrain.epochs = 9\n'
    )
    study = load("child.toml")
    assert (study.name, study.seed) == ("child", 7)
    assert study.variants == ("plain", "esam")
    assert (study.train.epochs, study.train.batch_size) == (9, 32)


NAMES, TABLES = 'variants = ["plain", "sam"]', "[[variant]]\nname = 'plain'\nlength = 1"


@pytest.mark.parametrize(
    ("farther", "nearer", "labels"),
    [
        (NAMES, "[[variant]]\nname = 'sam'\nfix.rho = 0.1", "plain-x0.5 plain plain-x2 sam"),
        (NAMES, "[[variant]]\nname = 'sam'\nlabel = 'mine'", "plain-x0.5 plain plain-x2 sam mine"),
        (NAMES, TABLES, "sam plain"),
        (TABLES, 'variants = ["sam", "esam"]', "sam esam plain"),
        (TABLES, NAMES, "plain-x0.5 plain plain-x2 sam"),
    ],
)
def test_a_variant_of_the_nearer_file_replaces_the_inherited_one(
    folder: Path, farther: str, nearer: str, labels: str
) -> None:
    for name, base, own in (("far", "mini", farther), ("near", "far", nearer)):
        others = "" if name == "near" else "variants = []\n" * ("variants" not in own)
        (folder / f"{name}.toml").write_text(f'extends = "{base}.toml"\n{others}{own}\n')
    assert [arm.label for arm in load("near.toml").arms()] == labels.split()


def test_extends_is_relative_to_the_file_then_a_name_and_goes_deeper(folder: Path) -> None:
    (folder / "studies").mkdir()
    (folder / "studies" / "a.toml").write_text('extends = "b.toml"\ntrain.momentum = 0.5')
    (folder / "studies" / "b.toml").write_text('extends = "digits"\ntrain.epochs = 3')
    study = load("a")
    assert (study.train.momentum, study.train.epochs, study.train.batch_size) == (0.5, 3, 64)


def test_a_space_changes_between_range_and_choices(folder: Path) -> None:
    (folder / "a.toml").write_text('extends = "mini.toml"\nsearch.space.lr.choices = [0.1]')
    (folder / "b.toml").write_text(
        'extends = "a.toml"\nsearch.space.lr = { low = 0.1, high = 0.5 }'
    )
    assert load("a.toml").search.space["lr"] == Space(choices=(0.1,))
    assert load("b.toml").search.space["lr"] == Space(low=0.1, high=0.5)


def test_a_learning_rate_changes_between_range_and_value(folder: Path) -> None:
    (folder / "fixed.toml").write_text('extends = "mini.toml"\nsearch.lr = 0.1')
    (folder / "free.toml").write_text(
        'extends = "fixed.toml"\nsearch.space.lr = { low = 0.1, high = 0.5 }'
    )
    assert load("fixed.toml").search.rates == 0.1
    assert load("free.toml").search.rates == Space(low=0.1, high=0.5)
    assert load("mini.toml", ["search.lr=0.2"]).search.rates == 0.2
    for override in ("search.space.lr={low=1, high=2}", "search.space={lr={low=1, high=2}}"):
        assert load("fixed.toml", [override]).search.rates == Space(low=1, high=2)
    both = ["search.space.lr={low=1, high=2}", "search.lr=0.3"]
    assert load("mini.toml", both).search.rates == 0.3
    assert load("mini.toml", both[::-1]).search.rates == Space(low=1, high=2)


def test_extending_nothing_or_oneself_is_refused(folder: Path) -> None:
    (folder / "a.toml").write_text('extends = "b.toml"')
    (folder / "b.toml").write_text(f'extends = "../{folder.name}/a.toml"')
    circle = f"extends goes in a circle: a.toml -> b.toml -> ../{folder.name}/a.toml"
    assert complaint(source="a.toml") == circle
    (folder / "b.toml").write_text('extends = "digts"')
    unknown = "b.toml: extends: unknown study 'digts', did you mean digits"
    assert complaint(source="a.toml").startswith(unknown)
    (folder / "b.toml").write_text("extends = 3")
    number = "b.toml: extends: must be a path or the name of a study, got 3"
    assert complaint(source="a.toml") == number


def test_an_error_names_every_file_it_may_come_from(folder: Path) -> None:
    (folder / "a.toml").write_text('extends = "mini.toml"\nseed = -1')
    assert complaint(source="a.toml") == "a.toml extending mini.toml: seed: must be >= 0, got -1"


# --- overrides


def test_overrides_are_toml_or_else_text() -> None:
    overrides = [
        "name=other",
        "question=a = b?",
        "task.dataset=folder:data/x#1",
        "task.split={val=3}",
        "task.model_args.drop_rate=0.1",
        "train.nesterov=true",
        "train.base = adamw",
    ]
    study = load("mini.toml", overrides)
    assert (study.name, study.question) == ("other", "a = b?")
    assert (study.task.dataset, study.task.split.val) == ("folder:data/x#1", 3)
    assert study.task.model_args == {"drop_rate": 0.1}
    assert (study.train.nesterov, study.train.base) == (True, "adamw")


def test_a_later_override_wins() -> None:
    assert load("mini.toml", ["seed=1", "seed=2"]).seed == 2


def test_a_malformed_override_is_refused() -> None:
    assert complaint("seed") == "override 'seed': must look like train.epochs=3"
    assert complaint("train.epochs.x=1") == "override 'train.epochs.x=1': epochs is not a table"


PAPER = "{variant='SAM', accuracy=95.9, sd=0.1, source='arXiv:2010.01412, table 1'}"


def test_published_numbers_have_a_source_and_are_in_percent() -> None:
    (found,) = load("mini.toml", [f"published=[{PAPER}]"]).published
    assert (found.variant, found.accuracy, found.sd, found.note) == ("SAM", 95.9, 0.1, "")
    for old, new, rule in (
        ("95.9", "0.959", "published[0].accuracy: must be in percent, > 1, got 0.959"),
        ("95.9", "101", "published[0].accuracy: must be <= 100"),
        ("accuracy=95.9,", "", "published[0].accuracy: is required, or score instead of it"),
        ("accuracy=95.9,", "accuracy=95.9, score=2.0,", "published[0].accuracy: is required, or"),
        (", source='arXiv:2010.01412, table 1'", "", "published[0].source: is required"),
        ("arXiv:2010.01412, table 1", "", "published[0].source: must not be empty"),
        ("sd=0.1", "sd=-0.1", "published[0].sd: must be >= 0"),
        ("sd=", "se=", "published[0].se: unknown key"),
    ):
        assert rule in complaint(f"published=[{PAPER.replace(old, new)}]")


# --- identity


@pytest.mark.parametrize(
    ("override", "keys"),
    [
        ("seed=1", ["seed"]),
        ("train.epochs=5", ["train.epochs"]),
        ("train.yields=best", ["train.yields"]),
        ("task.model_args.drop_rate=0.1", ["task.model_args.drop_rate"]),
        ("task.split={val=3, test=4}", ["task.split.val", "task.split.test"]),
        ("train.weight_decay=5.0e-4", []),
        ("task.stream=true", []),
    ],
)
def test_the_fingerprint_changes_with_what_runs_depend_on_and_the_keys_say_how(
    override: str, keys: list[str]
) -> None:
    old, new = load("mini.toml"), load("mini.toml", [override])
    assert changed_keys(old.model_dump(mode="json"), new.model_dump(mode="json")) == keys
    assert (fingerprint(old) != fingerprint(new)) == bool(keys)


@pytest.mark.parametrize(
    "override",
    [
        "search.budget=16",
        "search.searches=10",
        "search.margin=0.5",
        "search.space.lr.high=2",
        "search.lr=0.1",
        "variants=['plain', 'asam']",
        "variants=['sam', 'plain']",
        "variant=[{name='asam'}]",
        "question=why?",
        "name=other",
        "published=[{variant='SAM', accuracy=95.9, source='arXiv:2010.01412'}]",
    ],
)
def test_a_study_may_grow(override: str) -> None:
    """Its runs are kept: what else an arm's runs depend on is the arm's own."""
    assert fingerprint(load("mini.toml", [override])) == fingerprint(load("mini.toml"))


def test_what_the_file_says_of_an_arm_is_that_arm_s_alone() -> None:
    asked = load("mini.toml").asked()
    assert asked["plain-x2"]["length"] == 2 and asked["plain"]["length"] == 1
    more = with_table('{name="asam"}', "search.budget=16").asked()
    assert {label: more[label] for label in asked} == asked
    wider = load("mini.toml", ["search.space.lr.high=2"]).asked()
    assert changed_keys(asked["sam"], wider["sam"]) == ["space.lr.high"]


KNOWN = json.loads((Path(__file__).parent / "identities.json").read_text())
"""What is set in the small study -> its fingerprint, ever since: runs are kept under it."""


@pytest.mark.parametrize("override", KNOWN)
def test_studies_keep_their_identity(override: str) -> None:
    assert fingerprint(load("mini.toml", [override] if override else [])) == KNOWN[override]


def test_every_key_of_train_has_a_known_identity() -> None:
    assert set(Train.model_fields) == {
        override.split("=")[0].removeprefix("train.")
        for override in KNOWN
        if override.startswith("train.")
    }


def test_new_keys_leave_the_identity_of_older_studies_alone() -> None:
    study = load("digits")
    dump = study.model_dump(mode="json")
    assert not set(dump["train"]) & set(if_set(Train))
    assert "confirm" not in dump and "lr" not in dump["search"]
    other = load("digits", ["train.layer_decay=0.8"])
    assert changed_keys(dump, other.model_dump(mode="json")) == ["train.layer_decay"]
    assert extensions(other.model_dump(mode="json")["train"]) == {"layer_decay": 0.8}


def test_where_pictures_are_kept_is_dumped_where_set_and_changes_no_identity() -> None:
    old, new = load("mini.toml"), load("mini.toml", ["task.stream=true"])
    assert "stream" not in old.model_dump()["task"] and new.model_dump()["task"]["stream"] is True
    assert fingerprint(old) == fingerprint(new)


def test_a_fingerprint_is_16_hex_digits_whatever_the_order_of_the_keys() -> None:
    study = load("mini.toml", ["task.model_args={a=1, b=2}"])
    turned = load("mini.toml", ["task.model_args={b=2, a=1}"])
    assert re.fullmatch("[0-9a-f]{16}", fingerprint(study))
    assert fingerprint(turned) == fingerprint(study)


# --- weight


def test_reading_the_tables_needs_no_torch() -> None:
    """`--help` and shell completion stay instant."""
    code = "import sys, sambench.config; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3]).returncode == 0
    )


def test_the_json_schema_knows_the_tables() -> None:
    schema = Study.model_json_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"name", "task", "train", "search"}
