"""People and weather, which drive the devices: measured where the user has files, seeded generators where not."""
