"""Nights in which processes are killed: the tasks as processes, a reader who looks all the time, and who kills them."""
