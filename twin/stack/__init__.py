"""The pilot as containers: what the stack of compose.yaml needs from a pilot, and how the stack is."""
