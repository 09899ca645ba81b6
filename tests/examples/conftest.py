"""Examples are run by test_examples.py, not collected."""

from pathlib import Path

collect_ignore = [path.name for path in Path(__file__).parent.iterdir() if path.name[:5] != "test_"]
