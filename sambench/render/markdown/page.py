"""A study's page in markdown: the answer first, the evidence, its limits, how it was made."""

from collections.abc import Mapping
from typing import Any

from sambench import stats
from sambench.analysis import MIN_SEEDS, Leaderboard, PublishedStudy, numbers
from sambench.config import extensions
from sambench.render import damage_report, ownership, texts
from sambench.render.markdown import sections
from sambench.render.markdown.sections import Figures
from sambench.render.markdown.table import markdown
from sambench.render.tables import ranking, runs, search


def render(study: PublishedStudy, name: str = "", figures: Figures = ()) -> str:
    """The whole page; the same records give the same bytes. Its tables are in the folder `name`."""
    leaderboard = study.leaderboard
    spec = leaderboard.header["spec"]
    parts = [
        f"# {leaderboard.study}",
        texts.markdown(leaderboard.question),
        f"**{leaderboard.headline}**",
        f"**Use this:** {leaderboard.advice}",
        f"**{damage_report.summary(leaderboard)}**" if leaderboard.damages else "",
        _bullets(damage_report.listed(leaderboard)),
        markdown(ranking.table(leaderboard)),
        "**Beware:**" if leaderboard.warnings else "",
        _bullets(leaderboard.warnings),
        _bullets(legend(leaderboard)),
        *_evidence(study, figures),
        *_titled("Published elsewhere", sections.published(spec.get("published", ()))),
        "## What it cannot tell",
        _bullets(limits(leaderboard)),
        "## Protocol",
        _bullets(protocol(spec)),
        markdown(search.spaces(leaderboard.header["spaces"])),
        "## Runs",
        markdown(runs.outcomes(leaderboard.counts)),
        f"The test set was used {leaderboard.header['test_runs']} times, by confirm runs only.",
        sections.configurations(study.tables["search"], name),
        "## Reproduce",
        f"    {texts.command(leaderboard.header['command'])}",
        _bullets(origin(leaderboard)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _evidence(study: PublishedStudy, figures: Figures) -> list[str]:
    """Figures and tables below the answer."""
    tables = study.tables
    return [
        *_titled("Figures", sections.figures(figures)),
        *_titled("At equal epochs", sections.equal_epochs(study.rankings)),
        *_titled("Cost", sections.cost(tables["cost"])),
        *_titled("Tuning the radius", sections.sensitivity(tables["sensitivity"])),
        *_titled("Tuning budget", sections.budget(tables["budget"])),
        sections.divergence(tables["divergence"]),
    ]


def _titled(title: str, text: str) -> list[str]:
    return [f"## {title}", text] if text else []


def _bullets(sentences: tuple[str, ...] | list[str]) -> str:
    return "\n".join(f"- {texts.markdown(sentence)}" for sentence in sentences)


def legend(leaderboard: Leaderboard) -> list[str]:
    compared = [row.against for row in leaderboard.rows if row.against]
    num = sum(found.holm_p is not None for found in compared)
    return [
        "group: variants that share a letter are not separated "
        f"(paired t tests of all pairs, Holm, {stats.ALPHA:.0%}).",
        "± and [ ]: 95% confidence intervals over seeds, not adjusted for the number of variants.",
        "minus plain: difference from the tuned baseline in points, paired by seed. "
        f"Holm p: two-sided paired t test of it, adjusted for {num} comparison{'s' * (num != 1)}.",
        "test-set SE: standard error of that difference over the test images, paired, in points.",
        "gradients: gradient evaluations counted in the median confirm run. "
        "step time: of the median confirm run, relative to plain on the same device.",
        "runs: complete/pruned/diverged, over all stages.",
    ]


def limits(leaderboard: Leaderboard) -> list[str]:
    found = [row.against.detectable for row in leaderboard.rows if row.against]
    detectable = sorted(value for value in found if value is not None)
    limits = [
        f"The intervals cover the randomness of training on this one test set of "
        f"{leaderboard.num_test:,} images; another test set adds the test-set SE.",
        "They hold for the settings in the table: the luck of the search is not in them.",
        "One dataset, one model, one budget: nothing here speaks for others.",
    ]
    if detectable:
        low, high = numbers.percent(detectable[0]), numbers.percent(detectable[-1])
        sizes = low if low == high else f"{low} to {high}, depending on the variant"
        limits.insert(
            0,
            "A tie is not equality. True differences from plain smaller than this can hide here "
            f"(80% power, Holm's first step), in points: {sizes}.",
        )
    return limits


def protocol(spec: Mapping[str, Any]) -> list[str]:
    task, train, search = spec["task"], spec["train"], spec["search"]
    split = ", ".join(f"{name} {size:,}" for name, size in task["split"].items() if size)
    noise = f"; {task['label_noise']:.0%} of training and validation labels wrong"
    size = f" at {task['image_size']} pixels" if task["image_size"] else ""
    return [
        f"Task: {task['model']} on {task['dataset']}{size} ({split or 'the default split'})"
        f"{noise if task['label_noise'] else ''}.",
        f"Training: {train['base']}, {train['epochs']} epochs, batch size {train['batch_size']}, "
        f"{train['schedule']} schedule, weight decay {train['weight_decay']:g}, "
        f"augmentation {train['augment']}.",
        *_extended(train),
        f"Tune: {search['trials']} trials per variant (sampler {search['sampler']}, pruner "
        f"{search['pruner']}), scored on the validation split after the last epoch. What is not "
        "searched stays at the paper's value, or at the study file's.",
        "Equal compute: where others tune a radius, the baseline tunes its schedule length, so it "
        "may spend as much as they do.",
        f"Finalists: the best {spec['finalists']['top']} on {spec['finalists']['seeds']} fresh "
        "seeds, validation only; the highest mean wins.",
        f"Confirm: the winners on {spec['confirm']['seeds']} new seeds, the same for all variants. "
        "Each seed redraws split, wrong labels, initial weights and data order.",
        f"Below {MIN_SEEDS} seeds nothing is ranked; a baseline tuned to a bound of its search "
        "range gets no headline; a variant that diverges in a confirm run cannot win.",
    ]


def _extended(train: Mapping[str, object]) -> list[str]:
    """What else differs from the defaults."""
    found = ", ".join(f"{name} {value}" for name, value in extensions(dict(train)).items())
    return [f"Also: {found}."] if found else []


def origin(leaderboard: Leaderboard) -> list[str]:
    header = leaderboard.header
    return [
        f"date {header['date']}, commit {header['commit']}",
        f"device: {'; '.join(leaderboard.machines) or 'none'}",
        f"host: {_pairs(header['hardware'])}",
        f"versions: {_pairs(header['versions'])}",
        f"{ownership.STUDY}{leaderboard.study}.csv`.",
    ]


def _pairs(found: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items())
