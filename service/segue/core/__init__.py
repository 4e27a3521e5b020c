"""The session, sans-IO: events in, actions out, the time as a parameter, the standard library and nothing else."""
