"""What a machine lacks for studies, one check a line, each with its remedy.

check       what a check is, and how all are made, none for longer than it may take
checks      the list of them
programs    other programs, and this Python in a process that may crash or hang
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
