"""History: a port, the embedded DuckDB store behind it, and the spool on disk before it."""
