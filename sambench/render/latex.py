"""A leaderboard as a LaTeX table with booktabs, ready to paste."""

from sambench.analysis import Analysis, Row, numbers
from sambench.render.texts import one_line

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
\caption{{{caption}}}
\label{{tab:{label}}}
\begin{{tabular}}{{lrrrrrr}}
\toprule
variant & accuracy, \% & seeds & minus plain & Holm $p$ & group & gradients \\
\midrule
{rows}
\bottomrule
\end{{tabular}}
\end{{table}}
"""


def table(analysis: Analysis) -> str:
    """The answer as caption, and a line per variant."""
    return TABLE.format(
        study=analysis.study,
        caption=escape(caption(analysis)),
        label=analysis.study,
        rows="\n".join(_line(row) for row in analysis.rows),
    )


def caption(analysis: Analysis) -> str:
    """The answer, and how to read the numbers."""
    return (
        f"{analysis.question} {analysis.headline} Accuracy on {analysis.num_test:,} test images, "
        "mean ± 95% confidence interval over seeds; difference from the tuned baseline paired by "
        "seed [unadjusted 95% interval]; variants that share a letter are not separated; "
        "gradients: counted evaluations in a run."
    ).strip()


def escape(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return "".join(ESCAPES.get(character, character) for character in one_line(text))


def _line(row: Row) -> str:
    against, cost = row.against, row.cost
    cells = [
        row.label,
        numbers.accuracy(row.accuracy),
        str(row.accuracy.n if row.accuracy else 0),
        numbers.difference(against.difference) if against else numbers.NONE,
        numbers.p_value(against.holm_p if against else None),
        row.group or numbers.NONE,
        numbers.count(cost.gradient_evaluations if cost else None),
    ]
    return " & ".join(_cell(cell) for cell in cells) + r" \\"


def _cell(text: str) -> str:
    """A dash stands for nothing; a sign is typeset as one."""
    if text == numbers.NONE:
        return "--"
    return escape(text).replace("-", "$-$") if text[0] in "+-" else escape(text)
