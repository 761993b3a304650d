"""Tables without a medium: `table(result)` makes one, `Table` gives it as HTML, CSV, DataFrame or great_tables."""

from survey_kit.tables.build import table
from survey_kit.tables.cells import Cell, Column, Row
from survey_kit.tables.table import Table

__all__ = ["Cell", "Column", "Row", "Table", "table"]
