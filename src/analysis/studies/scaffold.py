"""`study new`: the three files of a study, small and real: they run on the demo data as they are.

What they hold lies in `templates/`: a person reads there what a new study looks like.
"""

from __future__ import annotations

import json
import keyword
import re
from pathlib import Path
from string import Template

from analysis.errors import UserError, shorten
from analysis.project import Project

TEMPLATES = Path(__file__).parent / "templates"
#: Names of this folder's own modules are no names for studies.
TAKEN = {path.stem for path in Path(__file__).parent.glob("*.py")}


def make_study(project: Project, name: str) -> list[Path]:
    """Makes notebook, parameters file and module of a study; all three or none.

    Args:
        project: where.
        name: a slug: lower-case letters, digits and underscores.

    Returns:
        The paths made.

    Raises:
        UserError: the name is no slug, or one of the files is there already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,40}", name) or keyword.iskeyword(name):
        problem = f"{shorten(name)!r} is no name for a study; use a-z, 0-9 and _, such as my_study"
        raise UserError("study new", problem)
    files = {
        project.root / "src" / "analysis" / "studies" / f"{name}.py": "study.py.txt",
        project.params / "studies" / f"{name}.yaml": "study.yaml.txt",
        project.notebooks / f"{name}.ipynb": "study.ipynb.txt",
    }
    for path in files:
        if path.exists() or name in TAKEN:
            raise UserError("study new", f"{name!r} is there already ({project.relative(path)})")
    title = name.replace("_", " ").capitalize()
    texts = {path: _fill(template, name, title) for path, template in files.items()}
    made: list[Path] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            made.append(path)
    except OSError as error:
        for path in made:
            path.unlink()
        raise UserError("study new", f"could not write: {error.strerror}") from None
    return made


def _fill(template: str, name: str, title: str) -> str:
    text = Template((TEMPLATES / template).read_text(encoding="utf-8"))
    filled = text.substitute(name=name, title=title)
    if template.endswith(".ipynb.txt"):
        json.loads(filled)  # a notebook that can't be read must not be made
    return filled
