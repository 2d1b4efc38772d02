"""Daily dumps of the EU's DSA Transparency Database, as they lie there, into `decisions`.

`sor-<platform>-<date>-light.zip` holds `…-00000.csv.zip` and so on, each of which holds CSV files;
beside it lies its `.sha1`. The light layout has 34 columns: without the texts and the territories
that the full one has (38 with `content_id_ean`; earlier dumps lack that). Column names: the
database's own export (digital-services-act/transparency-database, 2025). Texts are never staged.

What the dumps don't say, `decisions` can't hold: there is no post and no account, so each decision
is its own content and creator, and intervals that group by creator treat decisions as independent.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from analysis.errors import UserError
from analysis.sources.archives import opened
from analysis.sources.declared import Dsa, Raw
from analysis.sources.files import fetched, read_csv

RAW = "statements"
READ = [
    "uuid",
    "decision_visibility",
    "decision_monetary",
    "decision_provision",
    "decision_account",
    "decision_ground",
    "category",
    "content_type",
    "content_language",
    "content_date",
    "application_date",
    "source_type",
    "automated_detection",
    "automated_decision",
    "platform_name",
    "platform_uid",
    "created_at",
]
IGNORED = [
    "decision_visibility_other",
    "end_date_visibility_restriction",
    "decision_monetary_other",
    "end_date_monetary_restriction",
    "end_date_service_restriction",
    "end_date_account_restriction",
    "account_type",
    "decision_ground_reference_url",
    "illegal_content_legal_ground",
    "incompatible_content_ground",
    "incompatible_content_illegal",
    "category_addition",
    "category_specification",
    "category_specification_other",
    "content_type_other",
    "content_id_ean",
    "source_identity",
]
LIGHT = (*READ, *IGNORED)
#: In the full layout alone; of these only the territories are read.
TEXTS = ["illegal_content_explanation", "incompatible_content_explanation", "decision_facts"]
TERRITORY = "territorial_scope"

#: A decision of one country is that country's; of several, or of no country said, the EU's.
DECISIONS = """
SELECT pseudonym(uuid) AS decision_id,
  pseudonym(uuid) AS content_id,
  pseudonym(uuid) AS creator_id,
  CASE WHEN json_array_length(territorial_scope) = 1
    THEN json_extract_string(territorial_scope, '$[0]') ELSE 'EU' END AS market,
  p.policy,
  CASE
    WHEN decision_visibility LIKE '%CONTENT_REMOVED%'
      OR decision_visibility LIKE '%CONTENT_DISABLED%' THEN 'remove'
    WHEN decision_visibility LIKE '%AGE_RESTRICTED%' THEN 'age_restrict'
    ELSE 'restrict' END AS action,
  CASE source_type WHEN 'SOURCE_VOLUNTARY' THEN 'proactive'
    WHEN 'SOURCE_ARTICLE_16' THEN 'user_report'
    WHEN 'SOURCE_TRUSTED_FLAGGER' THEN 'user_report'
    WHEN 'SOURCE_TYPE_OTHER_NOTIFICATION' THEN 'user_report'
    ELSE source_type END AS detection,
  CASE automated_decision WHEN 'AUTOMATED_DECISION_FULLY' THEN 'true'
    WHEN 'AUTOMATED_DECISION_PARTIALLY' THEN 'false'
    WHEN 'AUTOMATED_DECISION_NOT_AUTOMATED' THEN 'false'
    ELSE automated_decision END AS automated,
  application_date || 'Z' AS decided_at
FROM statements LEFT JOIN (
  -- A category that several policies share does not say which of them was broken.
  SELECT dsa, min(policy) AS policy FROM policies WHERE dsa IS NOT NULL
  GROUP BY dsa HAVING count(*) = 1
) AS p ON p.dsa = statements.category
"""
_SHA1 = re.compile(r"^[0-9a-fA-F]{40}$")


def reader(source: Dsa, items: list[Any], stage: Path, name: str) -> Callable[..., Any]:
    """How a daily dump is read: its sha1 first."""
    by_name = {str(item["relative_path"]): item for item in items}

    def read(path: Path, shown: str) -> Iterator[pa.Table]:
        _check_sha1(path, shown, by_name[shown], stage, name)
        with opened(path, shown, source.largest_gb * 2**30) as streams:
            for member, stream in streams:
                for batch in read_csv(stream, f"{shown}, {member}", _layout(shown)):
                    yield _with_territory(batch)

    return read


def _layout(shown: str) -> Raw:
    if "-light" in shown:
        return Raw(columns=tuple(READ), ignores=tuple(IGNORED))
    return Raw(columns=(*READ, TERRITORY), ignores=(*IGNORED, *TEXTS))


def _with_territory(batch: pa.Table) -> pa.Table:
    if TERRITORY in batch.column_names:
        return batch
    return batch.append_column(TERRITORY, pa.nulls(len(batch), pa.string()))


def _check_sha1(path: Path, shown: str, item: Any, stage: Path, name: str) -> None:
    """Compares a file with the sum that was published beside it.

    Raises:
        UserError: there is none, or it differs.
    """
    beside = type(item)({**item, "relative_path": f"{shown}.sha1"}, item.fsspec)
    beside["file_url"] = f"{item['file_url']}.sha1"
    copy = fetched(beside, stage, name)
    said = (copy.read_text("utf-8", errors="replace").split() or [""])[0]
    copy.unlink()
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha1").hexdigest()
    if not _SHA1.match(said) or said.lower() != found:
        raise UserError(shown, "its sha1 differs from the one beside it; download both again")
