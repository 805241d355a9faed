"""Mining: one algorithm per module, pure (frame in, frozen result or frame out), on any engine that narwhals speaks.

`io` alone reads and writes the warehouse, `runner` alone knows which result goes into which table.
"""

import sluice  # noqa: F401 - before Polars, whose allocator it sets
