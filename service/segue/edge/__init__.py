"""Where clients meet Segue: gRPC in front, events and outputs of the core behind."""
