"""The live twin of a pilot: what it knows, asks for and remembers. Knows nothing of simulation."""
