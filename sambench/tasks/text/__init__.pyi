from .sequences import Sequences as Sequences
from .task import TextClassification as TextClassification
