"""A leaderboard as a LaTeX table with booktabs, ready to paste."""

import re
from collections.abc import Iterator

from sambench.analysis import NONE, Leaderboard, Row
from sambench.render.tables import Column, ranking
from sambench.render.texts import one_line

TIMES = re.compile(r"^(\d+\.\d+)x$")
SIGN = re.compile(r"(?<![\w.-])-(?=\d)")
ESCAPES = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": "$<$",
    ">": "$>$",
}
TABLE = r"""% {study}: needs \usepackage{{booktabs}}
\begin{{table}}
\centering
\caption{{{caption}}}
\label{{tab:{study}}}
\medskip
\footnotesize
\setlength{{\tabcolsep}}{{4pt}}
\begin{{tabular}}{{{alignment}}}
\toprule
{heads} \\
\midrule
{rows}
\bottomrule
\end{{tabular}}
\end{{table}}
"""


def table(leaderboard: Leaderboard) -> str:
    """The answer as caption, and a line per arm."""
    found = ranking.table(leaderboard, *_further(leaderboard))
    alignment = "".join("r" if column.number else "l" for column in found.columns)
    return TABLE.format(
        study=leaderboard.study,
        caption=_text(caption(leaderboard)),
        alignment=alignment,
        heads=" & ".join(map(_head, found.names, alignment)),
        rows="\n".join(" & ".join(map(_cell, line)) + r" \\" for line in found.texts),
    )


def _further(leaderboard: Leaderboard) -> Iterator[Column[Row]]:
    """What a paper's reader asks for, beyond the page's first table."""
    if any(row.beats is not None for row in leaderboard.rows):
        yield ranking.P
    if leaderboard.kind != "fixed":
        yield ranking.SEARCHED


def caption(leaderboard: Leaderboard) -> str:
    """The answer, and how to read the numbers."""
    size, num = leaderboard.size, leaderboard.num_items
    items = f"{num:,} test items" if num else "test data"
    words = leaderboard.score.words
    scores = (
        "mean over paired seeds ± 95% interval"
        if leaderboard.kind == "fixed"
        else f"tuned(k): expected {words} of the setting that a search of k trials finds, at a "
        f"budget of {size.budget:g} full runs of plain, ± 95% interval by the jackknife over points"
    )
    return (
        f"{leaderboard.question} {leaderboard.headline} "
        f"{words[:1].upper()}{words[1:]} on {items}: {scores}; differences in "
        f"{leaderboard.score.gaps}, each with its own interval; arms that share a letter "
        "are not separated; cost of a run in counted gradient evaluations."
    ).strip()


def escape(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(ESCAPES.get(character, character) for character in one_line(text))


def _text(text: str) -> str:
    """With the signs of numbers typeset as such."""
    return SIGN.sub("$-$", escape(text))


def _cell(text: str) -> str:
    """A dash stands for nothing."""
    return "--" if text == NONE else TIMES.sub(r"\1$\\times$", _text(text))


def _head(name: str, side: str) -> str:
    """In two lines where it has several words: the table is to fit into a column of text."""
    spaces = [i for i, character in enumerate(name) if character == " "]
    if not spaces:
        return escape(name)
    at = min(spaces, key=lambda i: abs(i - len(name) / 2))
    return rf"\shortstack[{side}]{{{escape(name[:at])}\\{{}}{escape(name[at + 1 :])}}}"
