"""Many real sessions at once, for long, over real sockets, while links are renewed and faults strike."""
