"""The operator's web page and the HTTP API: they read the twin's state and history and ask for commands, no more."""
