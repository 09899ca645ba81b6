from .measures.own import measure as measure
from .scores import Score as Score
from .study import Result as Result
from .study import compare as compare
from .study import run_study as run_study
