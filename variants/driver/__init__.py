"""`SharpnessAware`, and what one step of it takes.

parameters, groups: who trains, under which name, with which radius
batch, oracle, rows: losses and gradients of a batch, or of a part of it, as a rule asks for them
weights, buffers, dropout, autocast, noise, replicas: what an evaluation has to leave as it was
descent, rewind: the base optimizer's step, and its undoing
context, trace: what all steps share, and what one of them saw
"""
