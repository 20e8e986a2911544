"""Images of any origin, read and brought into the form that a network was trained on; imports no torch."""
