"""The columns of a run: what each means, and how they are kept on disk."""

from aimcsim.records.schema import CAUSES, SCHEMAS, Column
from aimcsim.records.spool import Spool
from aimcsim.records.table import LongTable, Part, Table

__all__ = ["CAUSES", "SCHEMAS", "Column", "LongTable", "Part", "Spool", "Table"]
