"""History in InfluxDB 2: how rows become points, how they are asked for, and how the server is set up for them."""
