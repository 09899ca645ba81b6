"""`SharpnessAware` and its parts."""
