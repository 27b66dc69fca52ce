"""History shown again as it was known then: in the console of a twin, read-only, on a clock that somebody steers."""
