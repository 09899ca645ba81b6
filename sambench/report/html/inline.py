"""Figures inside the page: the very SVG files, with ids that fit a page of many."""

import re

from markupsafe import Markup

from sambench.report.figures import Drawn

STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
REFERENCE = re.compile(r'(\bid="|\bhref="#|url\(#)')


def inline(drawn: Drawn, prefix: str) -> Markup:
    """The page styles figures once for all; PREFIX keeps the ids of two studies apart."""
    svg = STYLE.sub("", drawn.svg, count=1)
    return Markup(REFERENCE.sub(rf"\g<1>{prefix}-", svg))
