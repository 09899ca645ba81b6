"""Null studies from real runs: rivals that are the baseline itself, so that every win is false.

python -m tests.null run        # resumable; minutes to hours, into runs/null/
python -m tests.null resample   # the rate of false headlines, with its interval
"""
