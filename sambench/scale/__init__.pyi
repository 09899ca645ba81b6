from . import made_up as made_up
from . import overhead as overhead
