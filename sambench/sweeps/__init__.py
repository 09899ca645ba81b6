"""W&B sweeps: studies exported as sweep files, and sweep files run without a server."""
