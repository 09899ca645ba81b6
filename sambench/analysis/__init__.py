"""From records to findings: who is better, by how much, how sure. No text for people."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
