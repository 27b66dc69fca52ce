"""One folder per far side: the only place that knows its units, signs and names."""
