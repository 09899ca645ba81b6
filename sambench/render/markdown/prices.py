"""What measures cost, as a page in markdown."""

from sambench.bench import Prices
from sambench.render import ownership, texts
from sambench.render.markdown.costs import bullets, pairs
from sambench.render.markdown.table import markdown
from sambench.render.tables import prices as tables

MEASURES = (
    "Seconds that one run's weights take, the mean of these runs, and what they are of the run's "
    "own; gradient evaluations are those that each measure declares, of as many {item}s as a batch "
    "of training. None is measured unless a study asks for it; then `study NAME --dry-run` tells "
    "the price beforehand."
)


def runs(found: Prices) -> str:
    return (
        f"Runs of the study {found.study}, trained and tested as its reruns are, with "
        f"{found.model}; a gradient evaluation is of {found.batch_size} {found.item}s. "
        f"All seconds are {found.clock}."
    )


def measures(found: Prices) -> str:
    """What their table says."""
    return (
        f"On {found.train_items} training and {found.test_items} test {found.item}s. "
        f"{MEASURES.format(item=found.item)}"
    )


def render(name: str, found: Prices) -> str:
    """The page; the same benchmark gives the same bytes."""
    parts = [
        f"# {name}",
        ownership.PRICES,
        runs(found),
        markdown(tables.of_runs(found)),
        measures(found),
        markdown(tables.of_measures(found)),
        f"    {texts.command(found.command)}",
        bullets(
            [
                f"date {found.date}, commit {found.commit}",
                f"on {found.hardware}",
                f"host: {pairs(found.host)}",
                f"versions: {pairs(found.versions)}",
            ]
        ),
    ]
    return "\n\n".join(parts) + "\n"
