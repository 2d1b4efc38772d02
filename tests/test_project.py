"""A mistake in params/ gives the file, the key, what was given and what is allowed."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from analysis.errors import UserError
from analysis.params import load_yaml
from analysis.project import Project, territories

CHECKOUT = Project(Path(__file__).resolve().parents[1])


def test_markets_cover_the_calendars_that_go_wrong() -> None:
    zones = {market.zone for market in CHECKOUT.markets.values()}
    assert len(CHECKOUT.markets) >= 16
    assert zones >= {
        "Asia/Tokyo",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Australia/Sydney",
        "America/Santiago",
        "America/New_York",
        "Europe/London",
        "Europe/Berlin",
        "Europe/Paris",
        "America/Sao_Paulo",
        "Asia/Jakarta",
        "Asia/Riyadh",
        "Africa/Cairo",
        "Africa/Lagos",
        "America/Mexico_City",
        "Asia/Seoul",
    }
    assert all(ZoneInfo(zone) for zone in zones)


def test_a_region_is_not_taken_for_a_market() -> None:
    with pytest.raises(UserError, match=r"EU is a region; name one of its markets: .*DE.*FR"):
        CHECKOUT.market("EU")


def test_market_names_are_those_of_their_codes() -> None:
    names = territories()
    assert {code: market.name for code, market in CHECKOUT.markets.items()} == {
        code: names[code] for code in CHECKOUT.markets
    }


def test_policies_name_their_counterparts() -> None:
    policies = CHECKOUT.policies
    assert 13 <= len(policies) <= 18
    assert {policy.severity for policy in policies.values()} == {1, 2, 3, 4, 5}
    assert [name for name, policy in policies.items() if policy.hash_only] == ["child_safety"]
    for publisher in ("tiktok", "dsa"):
        assert all(getattr(policy, publisher) for policy in policies.values())


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        ("project.yaml", "seed: 20260302", "sed: 1", "no such key; did you mean 'seed'?"),
        ("project.yaml", "seed: 20260302", "seed: many", "seed: 'many' given; "),
        ("project.yaml", "minimum_cell: 11", "minimum_cell: 0", "minimum_cell: 0 given; "),
        ("project.yaml", "minimum_cell: 11", "minimum_cell:\t11", "a tab"),
        ("project.yaml", "locale: en", "locale: en\nlocale: de", "found duplicate key"),
        ("project.yaml", "title: Safety", "title: [Safety", "no YAML"),
        ("markets.yaml", "Asia/Tokyo", "Asia/Tokio", "did you mean 'Asia/Tokyo'?"),
        ("markets.yaml", "  JP: {", "  JPN: {", "JPN"),
        ("markets.yaml", "  JP: {name: Japan, ", "  JP: {nam: Japan, ", "did you mean 'name'?"),
        ("policies.yaml", "severity: 5", "severity: 9", "less than or equal to 5"),
        ("policies.yaml", "sensitive: true", "sensitiv: true", "did you mean 'sensitive'?"),
    ],
)
def test_a_mistake_in_a_file_is_said(
    project: Project, file: str, before: str, after: str, message: str
) -> None:
    path = project.params / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    part = file.removesuffix(".yaml").replace("project", "settings")
    with pytest.raises(UserError) as error:
        getattr(project, part)
    said = str(error.value)
    assert said.startswith(f"params/{file}")
    assert message in said
    assert "\n" not in said


@pytest.mark.parametrize("text", ["", "just words", "- a\n- list\n"])
def test_a_file_without_keys_is_said(project: Project, text: str) -> None:
    (project.params / "project.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"params/project\.yaml: empty, or not a mapping"):
        _ = project.settings


def test_a_missing_file_is_said(project: Project) -> None:
    (project.params / "markets.yaml").unlink()
    with pytest.raises(UserError, match=r"params/markets\.yaml: the file is missing"):
        _ = project.markets


def _kept(project: Project) -> Path:
    return project.data / "params" / "params-policies.yaml.json"


def test_a_file_is_read_once_until_its_text_changes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = project.policies
    with monkeypatch.context() as patch:
        patch.setattr("ruamel.yaml.YAML", None)
        assert Project(project.root).policies == first
    path = project.params / "policies.yaml"
    path.write_text(path.read_text("utf-8").replace("severity: 5", "severity: 4", 1), "utf-8")
    assert Project(project.root).policies != first


@pytest.mark.parametrize("held", ["", "[]", "{", "null", '{"digest": 1}', "\udcff", "[" * 100_000])
def test_what_is_kept_of_a_file_may_be_anything(project: Project, held: str) -> None:
    first = project.policies
    good = _kept(project).read_bytes()
    _kept(project).write_bytes(held.encode("utf-8", "surrogateescape"))
    assert Project(project.root).policies == first
    assert _kept(project).read_bytes() == good


def test_a_file_is_read_where_nothing_can_be_kept(project: Project) -> None:
    (project.data).write_text("no folder", "utf-8")
    assert project.policies
    assert project.data.is_file()


@pytest.mark.parametrize("text", ["at: 2026-03-02", "{1: one}", "&a [*a]", "at: 1_000", "x: .nan"])
def test_values_come_from_what_is_kept_as_from_the_file(tmp_path: Path, text: str) -> None:
    path, kept = tmp_path / "a.yaml", tmp_path / "a.json"
    path.write_text(text, "utf-8")
    plain, first, second = (load_yaml(path, "a", each) for each in (None, kept, kept))
    assert repr(plain) == repr(first) == repr(second)


def test_norway_is_a_market_and_no_truth_value(project: Project) -> None:
    path = project.params / "markets.yaml"
    line = "  NO: {name: Norway, zone: Europe/Oslo, languages: [no], region: EU}\n"
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")
    assert project.markets["NO"].languages == ("no",)


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'JP'"):
        CHECKOUT.market("JPN")
    with pytest.raises(UserError, match="did you mean 'core_metrics'"):
        CHECKOUT.study("core_metric")


def test_outside_a_project_the_way_back_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STUDY_PROJECT", raising=False)
    with pytest.raises(UserError, match=r"no params/project\.yaml"):
        Project.find(tmp_path)


def test_territories_are_countries() -> None:
    names = territories()
    assert names["JP"] == "Japan"
    assert "EU" not in names
    assert 240 <= len(names) <= 260
