"""Sweeps: trainings with many values of options, planned, estimated and resumable (no torch at import)."""
