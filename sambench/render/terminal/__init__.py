"""Findings for a terminal."""
