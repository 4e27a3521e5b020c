"""Turn taking on one connection: what the user says, what the model answers, and what is remembered."""
