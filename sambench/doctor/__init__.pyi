from .check import Asked as Asked
from .check import Check as Check
from .check import Examined as Examined
from .check import examine as examine
from .checks import CHECKS as CHECKS
