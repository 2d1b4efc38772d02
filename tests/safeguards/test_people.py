"""Looking at content: asked for, told before, one item, kept nowhere, counted privately."""

from __future__ import annotations

import copy
import io
import json
import re
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from queue import Empty

import pandas as pd
import pytest
from jupyter_client.manager import start_new_kernel

from analysis.errors import UserError
from analysis.project import Project, Wellbeing
from analysis.safeguards.people import Content, exposure, mask_content, register, reveal
from analysis.safeguards.people.demo_items import items
from analysis.safeguards.people.exposure import Seen, Totals
from analysis.safeguards.people.masked import MaskedFrame
from analysis.safeguards.people.once import Once
from analysis.safeguards.people.page import page_of, small_grey
from analysis.warehouse import TABLES
from support import CHECKOUT, Checkout, clean_environment

TEXT = "a text that nobody should meet unasked"


@pytest.fixture(autouse=True)
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "state" / "exposure.jsonl"
    monkeypatch.setenv(exposure.VARIABLE, str(path))
    yield path
    register(items)


class Source:
    """A fetcher that knows one item; without it, it fails and tells what it should not."""

    def __init__(self, policy: str, content: Content | None) -> None:
        self.name, self.content = policy, content
        self.asked: list[int | str] = []

    def policy(self, _: int | str) -> str:
        return self.name

    def fetch(self, item: int | str) -> Content:
        self.asked.append(item)
        if self.content is None:
            raise ValueError(TEXT)
        return self.content


def item_about(policy: str) -> int:
    return next(item for item in range(1000) if items.policy(item) == policy)


def test_outside_an_interactive_kernel_there_is_a_placeholder(project: Project, log: Path) -> None:
    told = repr(reveal(item_about("spam"), purpose="checking the label"))
    assert told.startswith("[one item, not shown: ")
    assert "made-up" not in told
    assert not log.exists()


@pytest.mark.parametrize("call", ["plain", "unmasked", "told only with the content"])
def test_what_is_hash_only_is_never_shown_by_any_call(
    project: Project, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the policy becomes known with the content, in an interactive kernel."""
    hash_only = [name for name, policy in project.policies.items() if policy.hash_only]
    assert hash_only
    monkeypatch.setattr("analysis.safeguards.people.revealing._is_interactive", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "show")
    late = call.startswith("told")
    for name in hash_only:
        source = Source("spam" if late else name, Content("text", TEXT.encode(), policies=(name,)))
        register(source)
        with pytest.raises(UserError, match="never shown"):
            reveal(1, purpose="checking the label", unmask=call == "unmasked")
        assert source.asked == ([1] if late else [])


@pytest.mark.parametrize(
    ("item", "purpose", "said"),
    [
        ([1, 2], "checking the label", "one item"),
        (pd.Series([1, 2]), "checking the label", "one item"),
        (True, "checking the label", "one item"),
        (1, "", "purpose"),
        (1, "because", "purpose"),
    ],
)
def test_one_item_for_a_purpose(project: Project, item: int, purpose: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        reveal(item, purpose=purpose)


def test_a_fetcher_that_fails_gives_nothing_of_the_content_away(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(Source("spam", None))
    monkeypatch.setattr("analysis.safeguards.people.revealing._is_interactive", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "show")
    with pytest.raises(UserError) as caught:
        reveal(1, purpose="checking the label")
    assert TEXT not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.fixture
def at_the_keyboard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A person who agrees to all that they are asked, and the questions."""
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "show"

    monkeypatch.setattr("analysis.safeguards.people.revealing._is_interactive", lambda: True)
    monkeypatch.setattr("builtins.input", answer)
    return asked


class Sly(str):
    __slots__ = ()


@pytest.mark.usefixtures("at_the_keyboard")
def test_an_id_of_a_kind_of_its_own_is_refused(project: Project) -> None:
    """It could be one item when its policy is asked for, and another when it is fetched."""
    register(Source("spam", Content("text", TEXT.encode())))
    with pytest.raises(UserError, match="not Sly"):
        reveal(Sly("1"), purpose="checking the label")


@pytest.mark.parametrize(
    "content",
    [
        Content("text", TEXT.encode(), policies=("child_safety",)),
        Content("text", TEXT.encode(), policies=("misspelt",)),
        Content("image", TEXT.encode()),
    ],
)
@pytest.mark.usefixtures("at_the_keyboard")
def test_a_debugger_finds_no_item_in_a_traceback(project: Project, content: Content) -> None:
    """What `%debug` would walk through: every frame of the error and of those behind it."""
    register(Source("spam", content))
    with pytest.raises(UserError) as caught:
        reveal(1, purpose="checking the label")
    assert not held(caught.value)


def held(error: BaseException) -> list[str]:
    """Where the frames of an error hold an item."""
    found, behind = [], error
    while behind:
        for frame, _ in traceback.walk_tb(behind.__traceback__):
            if frame.f_code.co_filename != __file__:
                found += [name for name, value in frame.f_locals.items() if has_text(value)]
        behind = behind.__context__  # type: ignore[assignment]
    return found


def has_text(value: object) -> bool:
    return isinstance(value, Content | Once | io.BytesIO) or TEXT in str(value)


def test_what_is_interrupted_was_seen_and_is_counted(
    project: Project, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["show"])
    monkeypatch.setattr("analysis.safeguards.people.revealing._is_interactive", lambda: True)

    def answer(_: str) -> str:
        for each in answers:
            return each
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", answer)
    register(Source("spam", Content("text", TEXT.encode())))
    with pytest.raises(KeyboardInterrupt) as caught:
        reveal(1, purpose="checking the label")
    assert not held(caught.value)
    assert len(exposure_lines(log)) == 1


def test_what_turns_out_graver_is_told_before_it_is_shown(
    project: Project, at_the_keyboard: list[str], log: Path
) -> None:
    register(Source("spam", Content("text", TEXT.encode(), policies=("suicide_self_harm",))))
    reveal(1, purpose="checking the label")
    assert ["severity 1" in at_the_keyboard[0], "severity 5" in at_the_keyboard[1]] == [True, True]
    assert exposure_lines(log)[0]["severity"] == 5


def test_a_person_in_a_kernel_is_told_asked_and_shown_and_nothing_is_kept(
    project: Project, log: Path
) -> None:
    """A real kernel: what it sends, which is what a notebook saves, never holds the content."""
    manager, client = start_new_kernel(
        env={**clean_environment(), "STUDY_PROJECT": str(project.root), exposure.VARIABLE: str(log)}
    )
    item = item_about("hate_speech")
    code = f"from analysis.safeguards.people import reveal\nreveal({item}, purpose='a second look')"
    try:
        sent, asked, pages = interact(client, code, answers=["show", ""])
        declined, _, none = interact(client, code, answers=["no"])
        alone, never, nothing = interact(client, code, answers=None)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "Hate speech and hateful behaviour; severity 4 of 5" in asked[0]
    (page,) = pages
    assert "made-up text of item" in page
    assert "[handle]" in page
    assert "[e-mail]" in page
    assert "demo_account" not in page
    for messages in (sent, declined, alone):
        assert "made-up text" not in messages
    assert "it was not asked for" in declined
    assert "only to a person in an interactive notebook" in alone
    assert never == nothing == none == []
    (seen,) = exposure_lines(log)
    assert (seen["severity"], seen["kind"]) == (4, "text")
    assert "item" not in seen
    assert log.stat().st_mode & 0o077 == 0


def exposure_lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def interact(
    client: object, code: str, answers: list[str] | None
) -> tuple[str, list[str], list[str]]:
    """Executes code as a person would (or as papermill does, without answers).

    Returns:
        All that the kernel sent, its questions, and the pages that its frames held.
    """
    sent: list[str] = []
    asked: list[str] = []
    pages: list[str] = []

    def output(message: dict[str, object]) -> None:
        text = json.dumps(message["content"], default=str)
        sent.append(text)
        for url in re.findall(r"http://127\.0\.0\.1:\d+/[\w-]+", text)[:1]:
            pages.append(urllib.request.urlopen(url, timeout=5).read().decode())
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(url, timeout=5)

    def answer(message: dict[str, dict[str, str]]) -> None:
        asked.append(message["content"]["prompt"])
        for _ in range(20):
            try:  # what was displayed before the question comes on another channel
                waiting = client.get_iopub_msg(timeout=0.2)  # type: ignore[attr-defined]
                output(waiting)
            except Empty:
                break
        client.input((answers or [""]).pop(0))  # type: ignore[attr-defined]

    client.execute_interactive(  # type: ignore[attr-defined]
        code,
        allow_stdin=answers is not None,
        stdin_hook=answer if answers is not None else None,
        output_hook=output,
        timeout=60,
    )
    return "\n".join(sent), asked, pages


def test_a_page_is_given_once_and_only_under_its_name() -> None:
    page = Once("<p>x</p>")
    try:
        base = page.url.rsplit("/", 1)[0]
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{base}/other", timeout=5)
        answer = urllib.request.urlopen(page.url, timeout=5)
        assert answer.read() == b"<p>x</p>"
        assert answer.headers["Cache-Control"] == "no-store"
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(page.url, timeout=5)
    finally:
        page.close()


def test_pictures_are_small_grey_and_without_metadata() -> None:
    from PIL import Image

    made = io.BytesIO()
    Image.new("RGB", (1600, 900), "red").save(made, "JPEG", comment=b"where it was taken")
    with Image.open(io.BytesIO(small_grey(made.getvalue()))) as small:
        assert small.mode == "L"
        assert max(small.size) <= 160
        assert not small.info.get("comment")
    html = page_of(Content("image", made.getvalue()), (), unmask=True)
    assert "blur" in html
    with pytest.raises(UserError, match="no picture"):
        small_grey(b"GIF89a broken")


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_nothing_plays_by_itself(kind: str) -> None:
    html = page_of(Content(kind, b"x", f"{kind}/mp4"), (), unmask=True)  # type: ignore[arg-type]
    assert 'preload="none"' in html
    assert "autoplay" not in html


def test_slurs_and_handles_stay_masked_unless_asked_again() -> None:
    content = Content("text", b"you WORST, says @somebody <b>x</b>")
    masked = page_of(content, ("w[o0]rst",), unmask=False)
    assert "[masked], says [handle] &lt;b&gt;" in masked
    assert "you WORST, says @somebody" in page_of(content, ("w[o0]rst",), unmask=True)


def test_which_words_are_slurs_stands_in_params(project: Project) -> None:
    """As the README says to write it; a pattern that is none is a person's mistake."""
    assert Project(project.root).settings.masked_words == ()
    settings = project.params / "project.yaml"
    empty = settings.read_text()
    (line,) = re.findall(r"`(masked_words: \[.*?\])`", (CHECKOUT / "README.md").read_text())
    settings.write_text(empty.replace("masked_words: []", line))
    words = Project(project.root).settings.masked_words
    content = Content("text", b"You are the w0rsties, worst of all, not worsted")
    assert "the [masked], [masked] of all, not [masked]" in page_of(content, words, unmask=False)
    settings.write_text(empty.replace("masked_words: []", "masked_words: ['(worst']"))
    with pytest.raises(UserError, match=r"masked_words.*no regular expression"):
        _ = Project(project.root).settings


@pytest.mark.parametrize("column", ["text", "comment_text", "Caption", "body", "transcript"])
def test_a_frame_with_content_shows_it_masked(column: str) -> None:
    frame = mask_content(pd.DataFrame({"content_id": [1], column: [TEXT], "views": [3]}))
    shown = [
        *(repr(frame), frame._repr_html_(), frame.to_csv(), frame.to_html(), frame.to_string()),
        *(repr(frame[column]), repr(frame.iloc[0]), repr(frame[[column]]), repr(frame.head(1))),
        *(frame.to_json(), str(frame), f"{frame}", repr(frame.copy()), frame[column].to_string()),
        *(
            repr(frame[frame.views > 1]),
            repr(frame.groupby("views").head(1)),
            frame.loc[0].to_csv(),
        ),
    ]
    for text in shown:
        assert TEXT not in text
    assert f"[text of {len(TEXT)} characters]" in frame.to_csv()
    assert frame[column].str.len().tolist() == [len(TEXT)]  # it computes as any other


@pytest.mark.parametrize(
    "shown",
    [
        lambda frame: frame.style.to_html(),
        lambda frame: frame.set_index("text")._repr_html_(),
        lambda frame: frame.set_index(["views", "text"]).to_csv(),
        lambda frame: repr(frame.groupby("text").size()),
        lambda frame: repr(frame.value_counts("text")),
        lambda frame: repr(frame.describe(include="all")),
        lambda frame: repr(frame.T),
        lambda frame: repr(frame.rename(columns={"text": "other"})),
        lambda frame: repr(pd.DataFrame({"views": [3]}).merge(frame)),
        lambda frame: repr(frame.text.tolist()),
        lambda frame: repr(frame.text[0]),
        lambda frame: str(frame.to_dict()),
        lambda frame: repr(frame.text.str.upper()).lower(),
        lambda frame: frame.text.to_json(),
        lambda frame: repr(copy.deepcopy(frame)),
        lambda frame: said(lambda: frame.text.astype(int)),
        lambda frame: said(lambda: pd.to_datetime(frame.text)),
    ],
)
def test_a_text_stays_masked_wherever_a_frame_takes_it(
    shown: Callable[[pd.DataFrame], str],
) -> None:
    found = shown(mask_content(pd.DataFrame({"views": [3], "text": [TEXT]})))
    assert TEXT not in found
    assert "characters]" in found


def said(call: Callable[[], object]) -> str:
    with pytest.raises(ValueError, match="characters") as caught:
        call()
    return str(caught.value)


def test_a_masked_text_computes_as_any_other() -> None:
    frame = mask_content(pd.DataFrame({"text": ["one", "two"], "comments": [1, 2]}))
    assert (frame.text == "two").tolist() == [False, True]
    assert frame.text.str.len().sum() == 6
    assert frame.set_index("text").loc["two", "comments"] == 2
    assert frame.comments.sum() == 3
    nested = mask_content(pd.DataFrame({"row": [{"id": 1, "text": TEXT}], "text": [[TEXT]]}))
    assert TEXT not in repr(nested) + nested.to_csv() + repr(nested.row[0]) + repr(nested.text[0])


def test_a_frame_without_content_is_itself_and_no_table_has_any() -> None:
    frame = pd.DataFrame({"content_id": [1]})
    assert mask_content(frame) is frame
    for table in TABLES.values():
        empty = pd.DataFrame(columns=list(table.columns))
        assert not isinstance(mask_content(empty), MaskedFrame), table.name


def test_the_log_is_the_persons_alone_and_sums_days(log: Path) -> None:
    for day, severity in ((1, 5), (7, 4), (8, 2), (8, 5)):
        exposure.note(Seen(datetime(2026, 3, day, 12).astimezone(), severity, "text", 90.0))
    with log.open("a") as file:
        file.write("torn {\n")
    found = list(exposure.entries())
    assert exposure.totals(found, date(2026, 3, 8), 1) == Totals(2, 3.0, 1)
    assert exposure.totals(found, date(2026, 3, 8), 7) == Totals(3, 4.5, 2)
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700
    assert not exposure.others_may_read(log)
    log.chmod(0o644)
    assert exposure.others_may_read(log)


def test_a_person_sets_a_limit_that_they_alone_can_read(log: Path) -> None:
    team = Wellbeing(daily_items=40, daily_minutes=60)
    assert exposure.limit(team) == team
    exposure.set_limit(daily_items=20, daily_minutes=None)
    assert exposure.limit(team) == Wellbeing(daily_items=20, daily_minutes=60)
    exposure.set_limit(daily_items=None, daily_minutes=30)
    assert exposure.limit(team) == Wellbeing(daily_items=20, daily_minutes=30)
    assert not exposure.others_may_read(exposure.limit_path())
    assert exposure.limit_path().parent == log.parent
    exposure.limit_path().write_text('{"daily_items": -1}', encoding="utf-8")
    assert exposure.limit(team) == team


def test_a_break_is_suggested_from_the_limit(checkout: Checkout, log: Path) -> None:
    for _ in range(2):
        exposure.note(Seen(datetime.now().astimezone(), 3, "text", 5.0))
    own = {exposure.VARIABLE: str(log)}
    said = checkout.study("wellbeing", "--daily-items", "3", **own)
    assert "today: 2 items" in said
    assert "from 3 items or 60 minutes" in said
    assert "moment for a break" not in said
    assert "moment for a break" in checkout.study("wellbeing", "--daily-items", "2", **own)
    assert "daily-items" in checkout.study("wellbeing", "--daily-items", "0", status=2, **own)


def test_a_teams_figures_need_enough_people(tmp_path: Path) -> None:
    for person in range(10):
        exposure.export(tmp_path / f"{person}.json", Totals(10, 20.0, 1))
    with pytest.raises(UserError, match="10 exports"):
        exposure.team(tmp_path, 11)
    exposure.export(tmp_path / "last.json", Totals(10, 20.0, 1))
    assert exposure.team(tmp_path, 11) == Totals(110, 220.0, 11)
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UserError, match="no export"):
        exposure.team(tmp_path, 11)
