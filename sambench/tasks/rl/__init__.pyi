from .task import ReinforcementLearning as ReinforcementLearning
