from . import made_up as made_up
from .beside import Asked as Asked
from .beside import race as race
from .measuring import measure as measure
from .options import Options as Options
