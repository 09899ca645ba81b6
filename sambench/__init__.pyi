from .study import run_study as run_study
