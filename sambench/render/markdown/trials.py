"""What a trial takes beside one that is written by hand, as a page in markdown."""

from sambench.bench import Trials
from sambench.render import ownership, texts
from sambench.render.markdown.costs import bullets, pairs
from sambench.render.markdown.table import markdown
from sambench.render.tables import trials as tables

PROGRAMS = (
    "The script by hand is Optuna's `optimize` with its journal, models of timm, a DataLoader in "
    "the same process and, for sam, pytorch_optimizer's SAM; it scores the validation set after "
    "every epoch and cares for nothing else. With *tensors* its images are normalised beforehand, "
    "with *pictures* one by one, as torchvision's datasets do. sambench's trials are points of a "
    "pool, from asking Optuna to the stored result, each on a split of its own; display and W&B "
    "are left out, as are imports. All train at one learning rate and radius, whatever is drawn, "
    "so that none ends early."
)
RATIOS = "Ratios are taken within rounds: median [quartiles]; below 1 sambench takes less."


def trials(found: Trials) -> str:
    rounds = len(found.races[0].timed[0].seconds)
    return (
        f"Trials of the study {found.study}: {found.model}, {found.train_images} training and "
        f"{found.val_images} validation images, {found.epochs} epochs in batches of "
        f"{found.batch_size}. {rounds} rounds of a trial each, in an order drawn anew; all seconds "
        f"are {found.clock}. {RATIOS}"
    )


def render(name: str, found: Trials) -> str:
    """The page; the same benchmark gives the same bytes."""
    parts = [
        f"# {name}",
        ownership.TRIALS,
        trials(found),
        markdown(tables.of_programs(found)),
        PROGRAMS,
        f"    {texts.command(found.command)}",
        bullets(
            [
                *found.notes,
                f"date {found.date}, commit {found.commit}",
                f"on {found.hardware}",
                f"host: {pairs(found.host)}",
                f"versions: {pairs(found.versions)}",
            ]
        ),
    ]
    return "\n\n".join(parts) + "\n"
