"""Tables without a medium: `table(result)` makes one, `Table` gives it as HTML, CSV, DataFrame or great_tables."""

from survey_kit.tables.table import Cell, Column, Row, Table  # isort: skip  (before the function of the same name)
from survey_kit.tables.build import table

__all__ = ["Cell", "Column", "Row", "Table", "table"]
