"""The far sides: clouds, gateways and home energy managers that speak for simulated devices, each on its own wire."""
