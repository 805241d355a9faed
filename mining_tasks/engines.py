"""The engines that dataframe expressions run on. The nightly run takes Polars, which measures best (docs/mining.md)."""

import tempfile
from typing import TYPE_CHECKING

from sluice.errors import SluiceError

if TYPE_CHECKING:  # the command line asks for the names alone
    import narwhals as nw
    import polars as pl
    from narwhals.typing import IntoFrame

POLARS, DUCKDB, PANDAS, PYSPARK = ENGINES = ("polars", "duckdb", "pandas", "pyspark")


def on_engine(frame: "pl.DataFrame", engine: str) -> "IntoFrame":
    """The same rows in another engine; SluiceError where PySpark is asked for and is not there.

    DuckDB spills to the folder for temporary files what does not fit in memory; Spark runs on this machine's cores, or
    where SPARK_REMOTE or its own configuration says.
    """
    if engine == POLARS:
        return frame
    if engine == PANDAS:
        return frame.to_pandas(use_pyarrow_extension_array=True)
    if engine == DUCKDB:
        import duckdb

        return duckdb.connect(config={"temp_directory": tempfile.gettempdir()}).from_arrow(frame.to_arrow())
    if engine == PYSPARK:
        return _spark().createDataFrame(frame.to_arrow())
    raise ValueError(f"engine: expected one of {', '.join(ENGINES)}, found {engine!r}")


def in_polars(frame: "nw.DataFrame") -> "nw.DataFrame":
    """A result of any engine as Polars has it."""
    import narwhals as nw

    return nw.from_native(frame.to_polars(), eager_only=True)


def _spark():
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise SluiceError("pyspark: not installed; expected the extra: uv sync --extra spark, and Java 17") from None
    builder = SparkSession.builder.appName("sluice")
    for name, value in (
        ("spark.ui.enabled", "false"),
        ("spark.ui.showConsoleProgress", "false"),
        ("spark.sql.session.timeZone", "UTC"),
        ("spark.sql.shuffle.partitions", "8"),
        ("spark.log.level", "ERROR"),
    ):
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except PySparkException as error:
        raise SluiceError(f"pyspark: did not start; expected Java 17 or newer: {error}") from None
