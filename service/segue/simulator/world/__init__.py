"""Sessions, their clients and the simulated service in one thread, under virtual time, from one seed."""
