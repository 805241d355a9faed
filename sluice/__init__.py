"""Sluice: process and task mining, every night, on your own Postgres."""

import os

# Polars keeps the memory that its frames give back for the next ones (its allocator, jemalloc, reads this when Polars is
# imported). Left alone, a task forked from the scheduler, where jemalloc's own thread is missing, returns every large block
# to the system at once and has it made again page by page: a fifth of the time of mining ten million events.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:-1,muzzy_decay_ms:-1")

# Nothing here multiplies matrices; but learning, which predicts, wakes OpenBLAS, whose threads, one per core, are made anew in
# every forked task and spin for a tenth of a second before they sleep: as much as fitting a model takes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
