"""How fast the pictures of a folder come, as a page in markdown."""

from sambench.bench import Streaming
from sambench.render import ownership, texts
from sambench.render.markdown.costs import bullets, pairs
from sambench.render.markdown.table import markdown
from sambench.render.tables import streaming as tables

SOURCES = (
    "*In memory* and *streamed* are sambench's data with `task.stream` false and true; torch's "
    "DataLoader reads the same files with torchvision's ImageFolder, scales, crops, flips and "
    "normalises them one by one, shuffles, and has as many workers, which read as many batches "
    "ahead. All three train one model by the same bare steps of SGD; *reading alone* takes the "
    "same batches and does nothing with them. Memory is the host's, at the peak of an epoch of "
    "training in a process of its own, workers included (PSS), beyond what that process held "
    "before it opened the data; pictures in memory were decoded to disk before."
)
RATIOS = "Ratios are of images per second, within rounds: median [quartiles]; above 1 it is faster."


def epochs(found: Streaming) -> str:
    """What the table says."""
    rounds = len(found.sources[0].training_s)
    workers = f"{found.workers} worker process{'es' * (found.workers != 1)}"
    return (
        f"Epochs of {found.images} images from {found.pictures} pictures (median "
        f"{found.width}x{found.height} px, {found.file_bytes / 1e3:.1f} kB) at {found.image_size} "
        f"pixels, {found.augment}, {found.model} in batches of {found.batch_size}; "
        f"{found.threads} thread{'s' * (found.threads != 1)} and {workers}. {rounds} "
        f"round{'s' * (rounds != 1)} of an epoch from each source, in an order drawn anew. {RATIOS}"
    )


def render(name: str, found: Streaming) -> str:
    """The page; the same benchmark gives the same bytes."""
    parts = [
        f"# {name}",
        ownership.STREAMING,
        epochs(found),
        markdown(tables.of_sources(found)),
        SOURCES,
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
