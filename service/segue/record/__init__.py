"""Recordings of the Live API: a proxy that makes them without secrets, and their comparison with the simulator."""
