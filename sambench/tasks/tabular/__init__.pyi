from .task import Tabular as Tabular
