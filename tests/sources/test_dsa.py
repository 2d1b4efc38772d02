"""Daily dumps of the DSA Transparency Database, made as they are laid out there."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import uuid
import zipfile
from pathlib import Path

import pytest

from analysis.errors import UserError
from analysis.project import Project
from analysis.sources.dsa import IGNORED, LIGHT, READ, TERRITORY, TEXTS
from analysis.sources.load import acquire
from loading import folder, rows

#: The light layout, in its order.
COLUMNS = [
    "uuid",
    "decision_visibility",
    "decision_visibility_other",
    "end_date_visibility_restriction",
    "decision_monetary",
    "decision_monetary_other",
    "end_date_monetary_restriction",
    "decision_provision",
    "end_date_service_restriction",
    "decision_account",
    "end_date_account_restriction",
    "account_type",
    "decision_ground",
    "decision_ground_reference_url",
    "illegal_content_legal_ground",
    "incompatible_content_ground",
    "incompatible_content_illegal",
    "category",
    "category_addition",
    "category_specification",
    "category_specification_other",
    "content_type",
    "content_type_other",
    "content_language",
    "content_date",
    "content_id_ean",
    "application_date",
    "source_type",
    "source_identity",
    "automated_detection",
    "automated_decision",
    "platform_name",
    "platform_uid",
    "created_at",
]


def statement(number: int, **changes: str) -> dict[str, str]:
    row = {
        "uuid": str(uuid.UUID(int=number)),
        "decision_visibility": '["DECISION_VISIBILITY_CONTENT_REMOVED"]',
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": 'Terms, section "4"\nsecond line',
        "category": "STATEMENT_CATEGORY_SELF_HARM",
        "content_type": json.dumps(["CONTENT_TYPE_VIDEO", "CONTENT_TYPE_TEXT"]),
        "content_date": "2025-08-04 00:00:00",
        "application_date": "2025-08-05 00:00:00",
        "source_type": "SOURCE_VOLUNTARY",
        "automated_detection": "Yes",
        "automated_decision": "AUTOMATED_DECISION_FULLY",
        "platform_name": "TikTok",
        "platform_uid": f"p-{number}",
        "created_at": "2025-08-05 00:03:33",
    }
    return row | changes


def dump(
    place: Path, parts: list[list[dict[str, str]]], columns: list[str], layout: str = "light"
) -> Path:
    """`sor-tiktok-DATE-light.zip`, of zips, of CSV files; its sha1 beside it."""
    name = f"sor-tiktok-2025-08-05-{layout}"
    with zipfile.ZipFile(place / f"{name}.zip", "w") as outer:
        for number, part in enumerate(parts):
            text = io.StringIO()
            writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(part)
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(f"{name}-{number:05}-00000.csv", text.getvalue())
            outer.writestr(f"{name}-{number:05}.csv.zip", inner.getvalue())
    path = place / f"{name}.zip"
    said = f"{hashlib.sha1(path.read_bytes()).hexdigest()}  {path.name}\n"  # noqa: S324 - theirs
    (place / f"{path.name}.sha1").write_text(said)
    return path


def test_the_light_layout_has_the_columns_that_are_known() -> None:
    assert len(COLUMNS) == 34
    assert set(COLUMNS) == set(LIGHT) == {*READ, *IGNORED}


def test_a_daily_dump_becomes_decisions(project: Project) -> None:
    several = "STATEMENT_CATEGORY_NON_CONSENSUAL_BEHAVIOUR"
    first = [
        statement(1),
        statement(
            2,
            decision_visibility='["DECISION_VISIBILITY_CONTENT_DEMOTED"]',
            source_type="SOURCE_ARTICLE_16",
            automated_decision="AUTOMATED_DECISION_PARTIALLY",
            category=several,
        ),
        statement(3, decision_visibility="", decision_account="DECISION_ACCOUNT_SUSPENDED"),
    ]
    second = [
        statement(4, decision_visibility='["DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED"]'),
        *[statement(number) for number in range(100, 500)],
    ]
    dump(folder(project, "dsa"), [first, second], COLUMNS)
    (table,) = acquire(project, "dsa").tables
    assert (table.read, table.added, table.reasons) == (404, 404, {})
    kept = (
        "SELECT action, detection, automated, market, policy, CAST(decided_at AS VARCHAR), "
        "count(*) FROM decisions GROUP BY ALL"
    )
    at = "2025-08-05 00:00:00+00"
    assert set(rows(project, kept)) == {
        ("remove", "proactive", True, "EU", "suicide_self_harm", at, 401),
        ("age_restrict", "proactive", True, "EU", "suicide_self_harm", at, 1),
        ("restrict", "proactive", True, "EU", "suicide_self_harm", at, 1),
        # Several policies share the category: none is said.
        ("restrict", "user_report", False, "EU", None, at, 1),
    }
    assert acquire(project, "dsa").tables == ()


def test_the_full_layout_gives_the_country_where_it_is_one(project: Project) -> None:
    full = [*COLUMNS, *TEXTS, TERRITORY]
    part = [
        statement(1, territorial_scope='["DE"]', decision_facts="what somebody wrote"),
        statement(2, territorial_scope='["AT","DE"]'),
        statement(3, source_type="SOURCE_UNHEARD_OF", territorial_scope='["FR"]'),
    ]
    dump(folder(project, "dsa"), [part], full, "full")
    text = (project.params / "sources.yaml").read_text()
    path = project.params / "sources.yaml"
    path.write_text(
        text.replace(
            "tolerance: {share: 0.01}", 'files: "sor-*-full.zip"\n    tolerance: {rows: 1}'
        )
    )
    (table,) = acquire(project, "dsa").tables
    assert table.reasons == {"detection: not one of the values allowed": 1}
    found = rows(project, "SELECT market FROM decisions ORDER BY market")
    assert found == [("DE",), ("EU",)]


def test_a_dump_whose_sum_differs_is_refused(project: Project) -> None:
    path = dump(folder(project, "dsa"), [[statement(1)]], COLUMNS)
    path.with_name(f"{path.name}.sha1").write_text("0" * 40)
    with pytest.raises(UserError, match=r"light\.zip: its sha1 differs from the one beside it"):
        acquire(project, "dsa")
    path.with_name(f"{path.name}.sha1").unlink()
    with pytest.raises(UserError, match=r"light\.zip\.sha1 can't be read"):
        acquire(project, "dsa")


def test_a_column_that_the_dumps_gained_is_named(project: Project) -> None:
    dump(folder(project, "dsa"), [[statement(1)]], [*COLUMNS, "category_reason"])
    with pytest.raises(UserError, match=r"00000\.csv: the column 'category_reason' is new"):
        acquire(project, "dsa")
