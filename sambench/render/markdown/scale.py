"""What studies cost beside training, as a page in markdown."""

from sambench.bench import EPOCHS, Scale
from sambench.render import ownership, texts
from sambench.render.markdown.costs import bullets, pairs
from sambench.render.markdown.table import markdown
from sambench.render.tables import scale as tables

STORING = (
    f"Asking for a run, telling its {EPOCHS} epochs and its end, beside what is stored already; "
    "runs at a time take turns, as those of several workers do. Median over rounds [quartiles]."
)
DISPATCHING = (
    f"A run that does nothing but report {EPOCHS} epochs, from an executor's taking it to its "
    "outcome; nothing is stored."
)
STARTING = (
    "The same command on a folder in which all runs but one are finished, until that one is given "
    "to a worker: in seconds by the clock, and of the processor. What Python imports is left out."
)
REPORTING = (
    "`leaderboard` of the records of a made-up study of 40 arms, in seconds of the processor with "
    "all that Python imports: printed, and with its tables, figures and both pages written."
)


def render(name: str, scale: Scale) -> str:
    """The page; the same benchmark gives the same bytes."""
    parts = [
        f"# {name}",
        ownership.SCALE,
        "## Storages",
        STORING,
        markdown(tables.storing(scale)),
        "## Executors",
        DISPATCHING,
        markdown(tables.dispatching(scale)),
        "## Starting",
        STARTING,
        markdown(tables.starting(scale)),
        "## Reports",
        REPORTING,
        markdown(tables.reporting(scale)),
        f"    {texts.command(scale.command)}",
        bullets(
            [
                f"date {scale.date}, commit {scale.commit}",
                f"a study of {scale.arms} arms, on {scale.hardware}",
                f"host: {pairs(scale.host)}",
                f"versions: {pairs(scale.versions)}",
            ]
        ),
    ]
    return "\n\n".join(parts) + "\n"
