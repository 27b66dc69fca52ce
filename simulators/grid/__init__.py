"""The simulated feeder: importing a network, reducing it exactly, and solving its unbalanced power flow."""
