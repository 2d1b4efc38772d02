"""Rows out of a source into Parquet, by a dlt pipeline that lives for one load.

dlt extracts, keeps the state of incremental loading, and normalises. That state is kept in the
warehouse, written in the same transaction as the rows: a load that was killed has changed nothing,
and one into another warehouse begins at the beginning.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from requests import RequestException

from analysis.errors import UserError
from analysis.project import Project
from analysis.safeguards.secrets import redact
from analysis.sources import dsa, files
from analysis.sources.declared import AnySource, Database, Dsa, Files, Rest


@dataclass(frozen=True)
class Extracted:
    """What a source gave.

    Attributes:
        files: staged Parquet, by raw table; none where there was nothing new.
        rows: read, by raw table.
        state: dlt's, from which the next load goes on.
    """

    files: dict[str, list[Path]]
    rows: dict[str, int]
    state: str


def extract(
    project: Project,
    name: str,
    source: AnySource,
    stage: Path,
    *,
    state: str | None,
    since: datetime | None = None,
) -> Extracted:
    """Reads what is new in a source.

    Args:
        stage: an empty folder.
        state: of the load before; None reads everything.
        since: read again what changed since then, whatever the state says.

    Raises:
        UserError: the source does not answer, or has not the layout that is declared.
    """
    _settle(stage)
    import dlt
    from dlt.common.versioned_state import json_decode_state, json_encode_state
    from dlt.destinations import filesystem
    from dlt.pipeline.exceptions import PipelineStepFailed

    pipeline = dlt.pipeline(
        name,
        destination=filesystem(
            bucket_url=(stage / "out").as_uri(), layout="{table_name}/{load_id}.{file_id}.{ext}"
        ),
        dataset_name="raw",
        pipelines_dir=str(stage / "work"),
    )
    if state:
        with pipeline.managed_state() as held:
            held.update({"sources": json_decode_state(state)["sources"]})
    try:
        pipeline.run(_resources(project, name, source, stage, since), loader_file_format="parquet")
    except PipelineStepFailed as error:
        raise _explained(name, error) from None
    trace = pipeline.last_trace
    counts = trace.last_normalize_info.row_counts if trace and trace.last_normalize_info else {}
    rows = {table: n for table, n in counts.items() if not table.startswith("_dlt")}
    found = {table: sorted((stage / "out" / "raw" / table).glob("*.parquet")) for table in rows}
    kept: Any = {"sources": pipeline.state.get("sources", {})}
    return Extracted(
        {t: paths for t, paths in found.items() if paths}, rows, json_encode_state(kept)
    )


def _resources(
    project: Project, name: str, source: AnySource, stage: Path, since: datetime | None
) -> list[Any]:
    if isinstance(source, Database):
        from analysis.sources import database

        return database.resources(name, source, since)
    if isinstance(source, Rest):
        from analysis.sources import rest

        return rest.resources(name, source, since)
    if not isinstance(source, Files | Dsa):
        raise UserError(name, f"a source of kind {source.kind} is not read this way")
    listed = files.listed(files.place(project, source.where), source.files, name)
    if isinstance(source, Dsa):
        read = dsa.reader(source, listed, stage, name)
        return [files.resource(name, dsa.RAW, listed, stage, since, read)]
    ((table, raw),) = source.raw.items()
    return [files.resource(name, table, listed, stage, since, files.reader(source, raw))]


def _settle(stage: Path) -> None:
    """dlt tells nobody of its use, writes nothing outside the stage, and is silent."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"
    os.environ["DLT_DATA_DIR"] = str(stage / "dlt")
    logging.getLogger("dlt").setLevel(logging.CRITICAL)


def _explained(name: str, error: BaseException) -> UserError:
    """The first of the causes that is a person's to mend; else its kind, without its words."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UserError):
            return cause
        error, cause = cause, cause.__cause__ or cause.__context__
    if isinstance(error, RequestException):
        response = error.response
        said = f"answers {response.status_code}" if response is not None else "does not answer"
        return UserError(name, f"it {said} ({type(error).__name__}); nothing was loaded")
    return UserError(name, redact(f"it could not be read ({type(error).__name__})"))
