"""The choices that an import offers, light to import: the command line is built from them."""

# the SQL order of the events of a case; `row` is the position in the file
ORDERS = {"time": "occurred_at, row", "file": "row"}
# the same as a process declares it
DECLARED_ORDERS = {"time": ("occurred_at", "source_seq"), "file": ("source_seq",)}
# what lifecycle transitions become, see lifecycle.py
LIFECYCLES = ("all", "complete", "pair")
