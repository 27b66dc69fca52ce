"""The HTTP API: the same twin for programs that the pages show to people."""
