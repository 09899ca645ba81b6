"""A figure as a file for papers: vectors where the format has them, and no hover texts."""

from pathlib import Path
from typing import TYPE_CHECKING

from sambench.errors import UserError, nearest
from sambench.render.figures.marks import Marks
from sambench.render.figures.plot import Plot

if TYPE_CHECKING:
    from matplotlib.collections import PathCollection
    from matplotlib.transforms import Transform

PIXELS = 300  # an inch, of formats that are not vectors


def save(plot: Plot, path: Path) -> None:
    """Write it as the path's suffix says: .pdf, .eps, .png, ... Call it inside `style.settings`.

    UserError for a suffix that no format has.
    """
    import matplotlib

    kind, known = (
        path.suffix.removeprefix(".").lower(),
        plot.figure.canvas.get_supported_filetypes(),
    )
    if kind not in known:
        raise UserError(f"{path}: no format of figures; {nearest(kind, sorted(known))}")
    matplotlib.rcParams["pdf.fonttype"] = matplotlib.rcParams["ps.fonttype"] = 42  # text stays text
    points = _points(plot)
    for marks in plot.marks:
        plot.figure.add_artist(_drawn(marks, points))
    undated = {"CreationDate": None} if kind == "pdf" else None
    plot.figure.savefig(path, format=kind, dpi=PIXELS, facecolor="white", metadata=undated)


def _points(plot: Plot) -> "Transform":
    from matplotlib.transforms import Affine2D

    return Affine2D().scale(1 / 72) + plot.figure.dpi_scale_trans


def _drawn(marks: Marks, points: "Transform") -> "PathCollection":
    from matplotlib.collections import PathCollection
    from matplotlib.markers import MarkerStyle
    from matplotlib.transforms import IdentityTransform

    shape, mark = MarkerStyle(marks.mark.shape), marks.mark
    found = PathCollection(
        [shape.get_path().transformed(shape.get_transform())],
        sizes=[mark.area],
        offsets=marks.place(marks.at),
        offset_transform=points,
        facecolors=mark.face or "none",
        edgecolors=mark.edge or "none",
        linewidths=mark.width,
        alpha=mark.alpha,
        zorder=10,  # above all else
    )
    found.set_transform(IdentityTransform())
    return found
