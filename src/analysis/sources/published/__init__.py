"""Figures that platforms publish, from files as they publish them, into `published_metrics`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.project import Project
from analysis.sources.counts import TableLoad, load_name, note_loads
from analysis.sources.published.files import FileFacts, FileSummary, csv_files, read_folder
from analysis.warehouse import TABLES, NoWarehouse, Warehouse, open_warehouse

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FileSummary", "LoadSummary", "acquire_published", "is_loaded"]

TABLE = TABLES["published_metrics"]
#: Beside the version of the table's rows: which files they were last loaded from.
FILES = "published_metrics.files"


@dataclass(frozen=True)
class LoadSummary:
    """What was read, loaded and dropped, file by file.

    Attributes:
        files: one entry a file.
        passed_over: CSV files of the folder that are something else.
        total: figures that the table holds now, from earlier loads too.
        version: of the table's rows; the same rows have the same.
    """

    files: tuple[FileSummary, ...]
    passed_over: tuple[str, ...]
    total: int
    version: str

    def lines(self) -> list[str]:
        """The summary for a person, one line an item."""
        lines = [line for file in self.files for line in file.lines()]
        if self.passed_over:
            first = ", ".join(self.passed_over[:3])
            more = ", …" if len(self.passed_over) > 3 else ""
            lines.append(f"{len(self.passed_over)} other CSV files passed over: {first}{more}")
        return [*lines, f"{TABLE.name} holds {self.total:,} figures (version {self.version})"]


def acquire_published(project: Project, folder: Path) -> LoadSummary:
    """Loads every TikTok and Meta file below a folder, replacing the vintages that they are.

    All files are read before anything is written, and written in one transaction: it is all or
    nothing, and a second time changes nothing.

    Args:
        project: whose warehouse is loaded; it is made where there is none.
        folder: where the files lie, gzipped or not, in any folder below it.

    Raises:
        UserError: there are none, one can't be read whole, or the warehouse is locked.
    """
    seen = fingerprint(folder)
    files, passed_over = read_folder(folder)
    frame = _frame(files)
    with open_warehouse(project, write=True) as warehouse:
        total, version = _replace(warehouse, files, frame, seen)
    return LoadSummary(tuple(f.summary for f in files), tuple(passed_over), total, version)


def is_loaded(project: Project, folder: Path) -> bool:
    """Whether the last load was of these very files by this very code.

    Raises:
        UserError: there is no such folder, or the warehouse is locked.
    """
    try:
        with open_warehouse(project) as warehouse:
            return warehouse.versions().get(FILES) == fingerprint(folder)
    except NoWarehouse:
        return False


def fingerprint(folder: Path) -> str:
    """A hash of a folder's CSV files, their names, and the code that reads them."""
    code = Path(__file__).parents[1].rglob("*.py")
    digest = hashlib.sha256()
    for path in (*csv_files(folder), *sorted(code)):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _frame(files: list[FileFacts]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (fact.publisher, file.summary.vintage, *fact[1:]) for file in files for fact in file.facts
    ]
    return pd.DataFrame(rows, columns=list(TABLE.columns))


def _replace(
    warehouse: Warehouse, files: list[FileFacts], frame: pd.DataFrame, seen: str
) -> tuple[int, str]:
    """The new rows for the old of the same publishers and vintages; all of it or none."""
    import pyarrow as pa

    with warehouse.transaction():
        before = int(warehouse.rows(f"SELECT count(*) FROM {TABLE.name}")[0][0])
        for file in files:
            for publisher in file.form.publishers:
                where = "publisher = ? AND vintage = ?"
                values = (publisher, file.summary.vintage)
                warehouse.execute(f"DELETE FROM {TABLE.name} WHERE {where}", values)
        warehouse.take_in("_incoming", pa.Table.from_pandas(frame, preserve_index=False))
        columns = ", ".join(TABLE.columns)
        warehouse.execute(f"INSERT INTO {TABLE.name} SELECT {columns} FROM _incoming ORDER BY ALL")
        total, version = _version(warehouse)
        warehouse.stamp(TABLE.name, version)
        warehouse.stamp(FILES, seen)
        read, more = sum(file.summary.read for file in files), max(total - before, 0)
        load = TableLoad(TABLE.name, read, more, 0, {}, None, None)
        note_loads(warehouse, "published", load_name("published"), [load])
    return total, version


def _version(warehouse: Warehouse) -> tuple[int, str]:
    """How many rows there are, and a hash of all of them in order."""
    columns = ", ".join(f"coalesce({name}::VARCHAR, '')" for name in TABLE.columns)
    line = f"concat_ws('|', {columns})"
    query = f"SELECT count(*), md5(string_agg({line}, chr(10) ORDER BY {line})) FROM {TABLE.name}"
    total, digest = warehouse.rows(query)[0]
    return int(total), str(digest)[:12]
