"""The world outside the twin: devices, people, feeder and the far sides that speak for them."""
