"""The claims of publications, tested at a chosen budget: planned, trained, judged (no torch at import)."""
