"""Many trainings that differ in some options, as one: planned, estimated, resumable (no torch at import)."""
