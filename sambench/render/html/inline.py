"""Figures inside the page: the very SVG files, with ids that fit a page of many."""

import re

from markupsafe import Markup

STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
REFERENCE = re.compile(r'(\bid="|\bhref="#|url\(#)')


def inline(svg: str, prefix: str) -> Markup:
    """The page styles figures once for all; PREFIX keeps the ids of two studies apart."""
    bare = COMMENT.sub("", STYLE.sub("", svg, count=1)).strip()
    return Markup(REFERENCE.sub(rf"\g<1>{prefix}-", bare))
