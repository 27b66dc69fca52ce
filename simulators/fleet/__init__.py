"""Device fleets: many equal devices in one FMU, and the parameters that make them differ."""
