"""Published files: what is taken from them, what is said about the rest, and all or nothing."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from analysis.errors import UserError
from analysis.project import Project
from analysis.sources.published import acquire_published, is_loaded
from analysis.sources.published.facts import Dropped, Fact
from analysis.sources.published.meta import META
from analysis.sources.published.tiktok import TIKTOK
from analysis.sources.summary import summaries
from analysis.warehouse import open_warehouse

Row = dict[str, str]


def tiktok_row(**changed: str) -> Row:
    row = {
        "Metric": "Proactive removal rate",
        "Period Type": "quarterly",
        "Period": "Jul-Sep 2023",
        "Policy Type": "all",
        "Issue Policy": "all",
        "Task Type": "all",
        "Task": "all",
        "Location": "Market",
        "Market": "Japan",
        "Result": "0.8490000000000001",
    }
    return row | {key.replace("_", " "): value for key, value in changed.items()}


def meta_row(metric: str, value: str, **changed: str) -> Row:
    row = {"app": "Facebook", "policy_area": "Spam", "metric": metric, "period": "2023Q3"}
    return row | {"value": value} | changed


def text(rows: Iterable[Row]) -> str:
    rows = list(rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def held(project: Project) -> list[tuple[object, ...]]:
    with open_warehouse(project) as warehouse:
        return warehouse.rows("SELECT * FROM published_metrics ORDER BY ALL")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    (made / "tiktok-2023-q3.csv").write_text(text([tiktok_row()]), encoding="utf-8-sig")
    return made


# --- one row ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ("proactive_removal_rate", "JP", None, None, 0.849)),
        (
            {"Location": "all", "Market": "all"},
            ("proactive_removal_rate", None, None, None, 0.849),
        ),
        (
            {"Metric": "Total videos removed", "Task": "automation", "Result": "523604.0"},
            ("videos_removed", "JP", None, "automation", 523604),
        ),
        (
            {"Metric": "Removal rate of published", "Result": "0.013999999999999999"},
            ("removal_rate_of_published", "JP", None, None, 0.014),
        ),
        (
            {"Metric": "Video: Removal rate of published"},
            ("removal_rate_of_published", "JP", None, None, 0.849),
        ),
        (
            {"Metric": "Live rooms suspended", "Result": "8"},
            ("live_sessions_suspended", "JP", None, None, 8),
        ),
        (
            {"Metric": "LIVE sessions suspended", "Result": "8"},
            ("live_sessions_suspended", "JP", None, None, 8),
        ),
        (
            {"Metric": "Percentage of user reports actioned", "Task": "Less than 2 hours"},
            ("reports_actioned_under_2h", "JP", None, None, 0.849),
        ),
        (
            {"Policy_Type": "Issue policy", "Issue_Policy": "Safety & Civility"},
            ("proactive_removal_rate", "JP", "Safety & Civility", None, 0.849),
        ),
        (
            {"Policy_Type": "Community guidelines heading", "Issue_Policy": "Safety & Civility"},
            ("proactive_removal_rate", "JP", "Safety & Civility", None, 0.849),
        ),
        (
            {"Policy_Type": "Community guidelines rule", "Issue_Policy": "Gambling"},
            (
                "proactive_removal_rate",
                "JP",
                "Regulated Goods & Commercial Activities - Gambling",
                None,
                0.849,
            ),
        ),
        (
            {
                "Metric": "Category share",
                "Period": "Oct-Dec 2022",
                "Policy_Type": "Community guidelines policy",
                "Issue_Policy": "Gambling",
                "Task": "human moderation",
            },
            (
                "share_within_category",
                "JP",
                "Illegal activities and regulated goods - Gambling",
                "human moderation",
                0.849,
            ),
        ),
        (
            {
                "Metric": "Category share",
                "Policy_Type": "issue",
                "Issue_Policy": "Violent and graphic content",
            },
            (
                "category_share",
                "JP",
                "Sensitive & Mature Themes - Shocking & Graphic Content",
                None,
                0.849,
            ),
        ),
        (
            {
                "Policy_Type": "Community guidelines policy",
                "Issue_Policy": "Youth Safety & Well-Being - Youth Exploitation & Abuse",
            },
            (
                "proactive_removal_rate",
                "JP",
                "Youth Safety & Well-Being - Youth Exploitation & Abuse",
                None,
                0.849,
            ),
        ),
        (
            {
                "Policy_Type": "Community guidelines policy",
                "Issue_Policy": "Youth Exploitation & Abuse",
            },
            (
                "proactive_removal_rate",
                "JP",
                "Safety & Civility - Youth Exploitation & Abuse",
                None,
                0.849,
            ),
        ),
    ],
)
def test_a_tiktok_row(changed: Row, expected: tuple[object, ...]) -> None:
    (fact,) = TIKTOK.read(tiktok_row(**changed))
    found = (fact.metric, fact.market, fact.policy, fact.automation, fact.value)
    assert found == expected
    assert fact.unit == ("count" if fact.value > 1 else "share")


def test_a_period_is_half_open() -> None:
    (fact,) = TIKTOK.read(tiktok_row(Period="Oct-Dec 2022"))
    assert (fact.period_start, fact.period_end) == (date(2022, 10, 1), date(2023, 1, 1))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Location": "Language", "Market": "English"}, "a language, not a market"),
        ({"Market": "Atlantis"}, "'Atlantis' is no country"),
        ({"Metric": "Joy"}, "the metric 'Joy' is not known"),
        ({"Policy_Type": "Feeling"}, "the policy type 'Feeling' is not known"),
        (
            {"Policy_Type": "Community guidelines policy", "Issue_Policy": "Joy"},
            "'Joy' belongs to no category",
        ),
        ({"Task": "guessing"}, "the task 'guessing' is not known"),
        ({"Task": "Less than 2 hours"}, "turnaround"),
        ({"Metric": "Percentage of user reports actioned"}, "turnaround"),
        ({"Period": "Jul 2023"}, "no quarter"),
        ({"Period": "Aug-Oct 2023"}, "no quarter"),
        ({"Period_Type": "yearly"}, "not about a quarter"),
        ({"Result": "1.2"}, "outside 0 to 1"),
        ({"Result": "many"}, "no number"),
        ({"Result": "inf"}, "no number"),
        ({"Metric": "Total videos removed", "Result": "1.5"}, "no whole number"),
        ({"Metric": "Total videos removed", "Result": "-1"}, "no whole number"),
    ],
)
def test_a_tiktok_row_that_gives_nothing_says_why(changed: Row, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        TIKTOK.read(tiktok_row(**changed))


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("Content Actioned", "20,800,000", {"content_actioned": 20_800_000}),
        ("Proactive rate", "94.20%", {"proactive_rate": 0.942}),
        ("Prevalence", "4%-5%", {"prevalence_lower": 0.04, "prevalence_upper": 0.05}),
        ("Prevalence", "<0.05%", {"prevalence_upper": 0.0005}),
        ("UBP", "0.05%", {"prevalence_upper": 0.0005}),
        ("Upperbound Prevalence", "0.11%", {"prevalence_upper": 0.0011}),
    ],
)
def test_a_meta_row(metric: str, value: str, expected: dict[str, float]) -> None:
    facts = META.read(meta_row(metric, value))
    assert {fact.metric: fact.value for fact in facts} == expected
    assert {(fact.publisher, fact.market, fact.policy) for fact in facts} == {
        ("facebook", None, "Spam")
    }
    assert facts[0].period_start == date(2023, 7, 1)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (meta_row("Content Actioned", "N/A"), "not available"),
        (meta_row("Content Actioned", "some"), "no number"),
        (meta_row("Proactive rate", "half"), "no percentage"),
        (meta_row("Proactive rate", "140%"), "outside 0 to 1"),
        (meta_row("Joy", "1"), "the metric 'Joy'"),
        (meta_row("Proactive rate", "5%", app="Threads"), "the app 'Threads'"),
        (meta_row("Proactive rate", "5%", period="2023Q5"), "no quarter"),
    ],
)
def test_a_meta_row_that_gives_nothing_says_why(row: Row, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        META.read(row)


# --- files -----------------------------------------------------------------------------------


def test_a_folder_is_loaded_into_a_warehouse_that_was_not_there(
    project: Project, folder: Path
) -> None:
    deep = folder / "deep" / "er"
    deep.mkdir(parents=True)
    packed = gzip.compress(text([meta_row("Proactive rate", "94.2%")]).encode())
    (deep / "anything 2023Q3.CSV.gz").write_bytes(packed)
    (folder / "other.csv").write_text("a,b\n1,2\n")
    summary = acquire_published(project, folder)
    assert [(f.publisher, f.vintage, f.read, f.loaded) for f in summary.files] == [
        ("Meta", "2023-Q3", 1, 1),
        ("TikTok", "2023-Q3", 1, 1),
    ]
    assert summary.passed_over == ("other.csv",)
    assert [row[:3] for row in held(project)] == [
        ("facebook", "2023-Q3", "proactive_rate"),
        ("tiktok", "2023-Q3", "proactive_removal_rate"),
    ]
    lines = summary.lines()
    assert "tiktok-2023-q3.csv: TikTok 2023-Q3, 1 rows read, 1 figures loaded" in lines
    assert lines[-1].startswith("published_metrics holds 2 figures (version ")


def test_a_second_time_changes_nothing(project: Project, folder: Path) -> None:
    first = acquire_published(project, folder)
    before = held(project)
    assert acquire_published(project, folder) == first
    assert held(project) == before
    with open_warehouse(project) as warehouse:
        assert warehouse.versions()["published_metrics"] == first.version


def test_a_vintage_is_replaced_whole_and_others_stay(project: Project, folder: Path) -> None:
    (folder / "older-2023-q2.csv").write_text(text([tiktok_row(Market="Brazil")]))
    first = acquire_published(project, folder)
    (folder / "older-2023-q2.csv").unlink()
    rows = [tiktok_row(Market="Germany", Result="0.9"), tiktok_row(Market="Chile", Result="0.8")]
    (folder / "tiktok-2023-q3.csv").write_text(text(rows))
    second = acquire_published(project, folder)
    assert [(row[1], row[5]) for row in held(project)] == [
        ("2023-Q2", "BR"),
        ("2023-Q3", "CL"),
        ("2023-Q3", "DE"),
    ]
    assert second.version != first.version


def test_a_file_without_a_vintage_in_its_name_is_called_after_its_last_quarter(
    project: Project, folder: Path
) -> None:
    rows = [tiktok_row(Period="Jan-Mar 2023"), tiktok_row(Period="Oct-Dec 2022")]
    (folder / "tiktok-2023-q3.csv").write_text(text(rows))
    (folder / "tiktok-2023-q3.csv").rename(folder / "download.csv")
    assert acquire_published(project, folder).files[0].vintage == "2023-Q1"


def test_doubled_keys(project: Project, folder: Path) -> None:
    """The same value twice is one figure; two values contradict each other, and neither stays."""
    rows = [
        tiktok_row(),
        tiktok_row(Result="0.849"),
        tiktok_row(Market="Brazil", Result="0.9"),
        tiktok_row(Market="Brazil", Result="0.8"),
        tiktok_row(Location="Language", Market="English"),
    ]
    (folder / "tiktok-2023-q3.csv").write_text(text(rows))
    (file,) = acquire_published(project, folder).files
    assert (file.read, file.loaded) == (5, 1)
    assert sum(file.dropped.values()) == 4
    assert file.dropped["doubled key, the same value: kept once"] == 1
    assert file.dropped["doubled key, different values: none is kept"] == 2
    assert [row[5] for row in held(project)] == ["JP"]


def test_a_row_that_is_cut_off_is_dropped(project: Project, folder: Path) -> None:
    path = folder / "tiktok-2023-q3.csv"
    path.write_text(text([tiktok_row()]) + "Proactive removal rate,quarterly\n")
    (file,) = acquire_published(project, folder).files
    assert file.dropped == {"a row with columns missing": 1}


ONE = text([tiktok_row()])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bad.csv", b"", "bad.csv: the file is empty"),
        ("bad.csv", ONE.splitlines()[0].encode(), "bad.csv: the file has a header and no rows"),
        (
            "bad.csv",
            ONE.replace("Result", "Outcome").encode(),
            "bad.csv: the column 'Result' is missing; a file of TikTok has: Metric, ",
        ),
        (
            "bad.csv",
            b"app,policy_area,metric,value\nFacebook,Spam,UBP,1%\n",
            "bad.csv: the column 'period' is missing; a file of Meta has",
        ),
        (
            "bad.csv",
            ONE.replace("Result", "Result,Result").encode(),
            "bad.csv: the column 'Result' stands twice",
        ),
        ("bad.csv.gz", b"no gzip at all", "bad.csv.gz: the gzip file is broken or cut off"),
        ("bad.csv.gz", gzip.compress(ONE.encode())[:-20], "bad.csv.gz: the gzip file is broken"),
        ("bad.csv", ONE.encode("utf-16"), "bad.csv: the file is no UTF-8 text"),
        (
            "bad.csv",
            text([tiktok_row(Result="?")]).encode(),
            "bad.csv: none of its 1 rows could be loaded (1: the value is no number)",
        ),
        (
            "tiktok 2023 Q3 copy.csv",
            ONE.encode(),
            "tiktok-2023-q3.csv: is TikTok 2023-Q3, and so is tiktok 2023 Q3 copy.csv",
        ),
    ],
)
def test_a_bad_file_is_named_and_nothing_is_loaded(
    project: Project, folder: Path, name: str, content: bytes, said: str
) -> None:
    good = acquire_published(project, folder)
    before = held(project)
    (folder / "tiktok-2023-q3.csv").write_text(text([tiktok_row(Result="0.1")]))
    (folder / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        acquire_published(project, folder)
    assert str(caught.value).startswith(said)
    assert held(project) == before
    with open_warehouse(project) as warehouse:
        assert warehouse.versions()["published_metrics"] == good.version


@pytest.mark.parametrize("kind", ["missing", "a file", "empty", "other"])
def test_a_folder_without_files(project: Project, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "a file":
        place.write_text("")
    elif kind != "missing":
        place.mkdir()
    if kind == "other":
        (place / "sales.csv").write_text("day,sold\n2023-01-01,3\n")
    with pytest.raises(UserError, match=r"is no folder|no CSV file of TikTok or Meta") as caught:
        acquire_published(project, place)
    assert "place" in str(caught.value)
    assert not (project.data / "warehouse.duckdb").exists()


def test_a_failure_while_writing_leaves_what_was_there(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquire_published(project, folder)
    before = held(project)
    (folder / "tiktok-2023-q3.csv").write_text(text([tiktok_row(Result="0.1")]))

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("analysis.warehouse.DuckDBWarehouse.stamp", full)
    with pytest.raises(OSError, match="No space"):
        acquire_published(project, folder)
    assert held(project) == before


# --- the files themselves --------------------------------------------------------------------


def test_the_real_files(project: Project, real_data: Path) -> None:
    summary = acquire_published(project, real_data)
    files = {(file.publisher, file.vintage): file for file in summary.files}
    assert {key: (file.read, file.loaded) for key, file in files.items()} == {
        ("Meta", "2023-Q2"): (3221, 2230),
        ("Meta", "2023-Q3"): (3368, 2377),
        ("TikTok", "2023-Q2"): (1912, 1850),
        ("TikTok", "2023-Q3"): (8704, 8658),
    }
    assert files["TikTok", "2023-Q2"].dropped == {
        "doubled key, different values: none is kept": 32,
        "about a language, not a market": 30,
    }
    assert files["TikTok", "2023-Q3"].dropped == {"about a language, not a market": 46}
    assert files["Meta", "2023-Q3"].dropped == {"not available (N/A)": 992}
    assert summary.total == 1850 + 8658 + 2230 + 2377
    with open_warehouse(project) as warehouse:
        markets = "SELECT count(DISTINCT market) FROM published_metrics WHERE vintage = ?"
        assert warehouse.rows(markets, ("2023-Q3",)) == [(54,)]
        values = [value for (value,) in warehouse.rows("SELECT value FROM published_metrics")]
        assert values == [round(value, 12) for value in values]
        # Nothing is counted twice: categories make up all removals, policies their category.
        add_up = """
            SELECT min(total), max(total) FROM (
                SELECT sum(value) AS total FROM published_metrics
                WHERE publisher = 'tiktok' AND metric = ? AND vintage = '2023-Q3'
                    AND period_start = '2023-07-01'
                GROUP BY market, CASE WHEN metric = 'category_share' THEN ''
                    ELSE split_part(policy, ' - ', 1) END)
        """
        for metric in ("category_share", "share_within_category"):
            low, high = warehouse.rows(add_up, (metric,))[0]
            assert low == pytest.approx(1, abs=0.003)
            assert high == pytest.approx(1, abs=0.003)


def test_keys_have_no_value_in_them() -> None:
    (fact,) = TIKTOK.read(tiktok_row())
    (other,) = TIKTOK.read(tiktok_row(Result="0.1"))
    assert isinstance(fact, Fact)
    assert fact.key == other.key


def test_files_that_were_loaded_last_are_known(project: Project, folder: Path) -> None:
    assert not is_loaded(project, folder)
    acquire_published(project, folder)
    assert is_loaded(project, folder)
    path = folder / "tiktok-2023-q3.csv"
    path.write_text(text([tiktok_row(Result="0.5")]), encoding="utf-8-sig")
    assert not is_loaded(project, folder)
    acquire_published(project, folder)
    assert is_loaded(project, folder)
    path.unlink()
    assert not is_loaded(project, folder)


def test_a_load_of_published_files_is_among_the_sources(project: Project, folder: Path) -> None:
    (folder / "meta 2023Q3.csv").write_text(text([meta_row("Proactive rate", "94.2%")]))
    first = acquire_published(project, folder)
    acquire_published(project, folder)
    read = sum(file.read for file in first.files)
    found = summaries(project)
    # The second load read the same rows, and they are the same.
    assert [(each.source, each.read, each.added) for each in found] == [
        ("published", 2 * read, first.total)
    ]
