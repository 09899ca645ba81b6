from . import made_up as made_up
from .measuring import measure as measure
from .options import Options as Options
