"""Applying a trained network to images: from files to a catalogue."""
