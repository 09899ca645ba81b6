"""`SharpnessAware`, and what one step of it takes.

arguments, callers: what is handed in, and what loops do around a step, told where it cannot work
modules, parameters, groups: who trains, under which name, with which radius
turns, taken, two_calls: a step inside out, for loops that call `backward` themselves
bases: several base optimizers as one
batch, parts, oracle, rows: losses and gradients of a batch, or of a part of it, as a rule asks
    for them
weights, buffers, visits, writes, dropout, autocast, noise, gradients: what an evaluation has to
    leave as it was, in the model and beside it
replicas, sharded, checkpoint: several processes that train one model
descent, rewind: the base optimizer's step, and its undoing
context, memory, trace, alarms: what all steps share, what the rule remembers, what one of them saw,
    and what to warn of
"""
