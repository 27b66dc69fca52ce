"""The twin itself: what every device and endpoint reported, what was asked of it, and how fresh that is.

One writer (`registry.PilotState`), any number of readers of immutable views. No bus, no store, no wire formats here.
"""
