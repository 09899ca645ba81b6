"""Findings as markdown: a page per study and per device, and their index."""
