"""What is generated from something else: environment.yml, and the parts of README.md between marks.

python tests/generate.py            writes them; and what warm kernels import
python tests/generate.py --check    says which are out of step, status 1
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRELOAD = ROOT / "src" / "analysis" / "runs" / "warm" / "preload.txt"


def environment() -> str:
    """environment.yml: Python, and through pip every package that the lock pins."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        python = tomllib.load(file)["project"]["requires-python"]
    pins = "\n".join(f"      - {pin}" for pin in locked())
    return (
        "# For conda users; made from requirements.lock by `python tests/generate.py`.\n"
        "name: safety-studies\n"
        "channels: [conda-forge]\n"
        "dependencies:\n"
        f'  - "python{python}"\n'
        "  - pip\n"
        "  - pip:\n"
        f"{pins}\n"
        "      - --editable .\n"
    )


def locked() -> Iterator[str]:
    """Every pin of the lock, without its hashes, quoted where YAML needs it."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for line in re.findall(r"^([a-z0-9][^\s=]*==.+?) \\$", text, flags=re.MULTILINE):
        yield f'"{line}"' if ";" in line else line


def tree() -> str:
    """The house: each folder and module with the first line of what it says of itself."""
    lines = ["```"]
    for name, says in TOP.items():
        lines.append(f"{name:<24}{says}")
        if name == "src/analysis/":
            lines += list(_rooms(ROOT / "src" / "analysis"))
    return "\n".join([*lines, "```"])


TOP = {
    "notebooks/": "one notebook a study: narrative, no logic",
    "params/": "project, markets, policies, metrics, sources; studies/ has a file for each study",
    "src/analysis/": "what notebooks call, and the `study` command",
    "data/": "the warehouse, cubes and raw files; not in git",
    "reports/": "the site; not in git",
    "tests/": "mirrors src/analysis/; browser/, benchmarks/ beside",
}


def _rooms(package: Path) -> Iterator[str]:
    for path in sorted(package.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        module = path / "__init__.py" if path.is_dir() else path
        if path.name.startswith("__") or module.suffix != ".py" or not module.exists():
            continue
        says = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
        name = f"{path.name}/" if path.is_dir() else path.name
        yield f"    {name:<20}{says.splitlines()[0].rstrip('.')}"


def verbs() -> str:
    """The `study` command's verbs, from their own help."""
    import typer

    from analysis.cli import app

    command = typer.main.get_command(app)
    rows = [
        f"| `study {name}` | {(each.help or '').splitlines()[0]} |"
        for name, each in command.commands.items()  # type: ignore[attr-defined]  # it is a group
    ]
    return "\n".join(["| verb | what it does |", "|---|---|", *rows])


def readme(text: str) -> str:
    """README.md with each generated part made anew."""
    for name, make in {"tree": tree, "verbs": verbs}.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        made = make()
        text = re.sub(pattern, lambda m, made=made: f"{m[1]}{made}\n{m[2]}", text, flags=re.DOTALL)
    return text


def stale() -> list[Path]:
    """The files that are out of step with what they are made from."""
    return [path for path, text in wanted().items() if path.read_text(encoding="utf-8") != text]


def wanted() -> dict[Path, str]:
    page = ROOT / "README.md"
    made = readme(page.read_text(encoding="utf-8"))
    return {ROOT / "environment.yml": environment(), page: made, PRELOAD: preload()}


def preload() -> str:
    """What the warm process imports, a module a line."""
    from analysis.runs.warm.preload import wanted

    return "".join(f"{name}\n" for name in wanted(ROOT))


if __name__ == "__main__":
    if "--check" in sys.argv:
        out = stale()
        for path in out:
            print(f"{path.name} is out of step; run python tests/generate.py")
        sys.exit(bool(out))
    for path in (ROOT / "environment.yml", PRELOAD):
        path.touch()
    for path, text in wanted().items():
        path.write_text(text, encoding="utf-8")
