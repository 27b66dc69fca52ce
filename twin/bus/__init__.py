"""The message bus: one port, two implementations (memory, MQTT), the topics and the messages on them."""
