"""The vocabulary of the pilot: frozen dataclasses, standard library only, no input or output."""
