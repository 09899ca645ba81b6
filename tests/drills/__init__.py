"""Studies whose workers are killed again and again, on real executors."""
