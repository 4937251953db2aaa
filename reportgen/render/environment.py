"""The Jinja2 environment: where templates are found and how their mistakes are told.

A folder of the user's own comes first, so that any one file of the built-in set can be replaced:
the page, one section, the macros, a style sheet or a script. A replacement reaches the file
that it replaces under ``builtin/``, as in ``{% extends "builtin/report.html.j2" %}``.
"""

from __future__ import annotations

import re
import traceback
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from reportgen.errors import TemplateError
from reportgen.render import evidence, plots, words
from reportgen.render.filters import FILTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Source = tuple[str, str, Callable[[], bool]]

PAGE = "report.html.j2"
STYLES = (
    "report.css",
    "styles/summary.css",
    "styles/predictions.css",
    "styles/labels.css",
    "styles/images.css",
    "styles/maps.css",
    "styles/features.css",
    "styles/evidence.css",
    "styles/how.css",
    "styles/print.css",
)
"""Style sheets in the order of the cascade: the ground first, paper last."""
SCRIPTS = ("report.js", "scripts/filter.js", "scripts/mosaic.js")
"""Scripts in the order they run; each is complete in itself."""

SENTENCES: dict[str, Callable[..., str]] = {
    "describe_agreement": words.describe_agreement,
    "describe_heat": words.describe_heat,
    "describe_overlap": words.describe_overlap,
}
"""Filters that say in words what numbers about maps mean."""

EVIDENCE: dict[str, Callable[..., object]] = {
    "axis": plots.axis,
    "box_overlay": plots.box_overlay,
    "box_rows": evidence.box_rows,
    "curve_plot": plots.curve_plot,
    "faithfulness_rows": evidence.faithfulness_rows,
    "is_localised": evidence.is_localised,
    "is_measured": evidence.is_measured,
    "localised": evidence.localised,
    "road_plot": plots.road_plot,
    "scale_of": plots.scale_of,
    "strip": plots.strip,
    "warned": evidence.warned,
}
"""Filters that put measurements into tables and plots."""

_PACKAGE = Path(__file__).resolve().parent.parent


def builtin_folder() -> Path:
    """Return the folder of the built-in templates.

    A wheel carries it inside the package; in a checkout it lies beside the package.
    """
    installed = _PACKAGE / "templates"
    return installed if installed.is_dir() else _PACKAGE.parent / "templates"


class _Loader(jinja2.FileSystemLoader):
    """Reads templates, and names the file when one is not UTF-8."""

    def get_source(self, environment: jinja2.Environment, template: str) -> Source:
        """Return the text of ``template``, its file and a check for changes."""
        try:
            return super().get_source(environment, template)
        except UnicodeDecodeError as error:
            raise TemplateError(
                f"{Path(self.searchpath[0]) / template}: expected UTF-8 text, found a byte that "
                f"is not ({error.reason} at byte {error.start}). Save the file as UTF-8."
            ) from error


def make_environment(template_dir: Path | None = None) -> jinja2.Environment:
    """Return the environment that looks in ``template_dir`` first, then in the built-in set.

    Raises `TemplateError` where ``template_dir`` is not a folder.
    """
    builtin = _Loader(builtin_folder())
    loaders: list[jinja2.BaseLoader] = [builtin, jinja2.PrefixLoader({"builtin": builtin})]
    if template_dir is not None:
        if not template_dir.is_dir():
            found = "a file" if template_dir.exists() else "nothing"
            raise TemplateError(
                f"--template-dir {template_dir}: expected a folder, found {found}. Give a folder "
                f"that holds the templates to replace, such as {STYLES[0]} or "
                "sections/summary.html.j2, or leave the option out."
            )
        loaders.insert(0, _Loader(template_dir))
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    environment.filters.update(SENTENCES)
    environment.filters.update(EVIDENCE)
    return environment


def assets(environment: jinja2.Environment, names: Iterable[str]) -> Markup:
    """Return several style sheets or scripts as one, to stand in one element."""
    return Markup("\n").join(asset(environment, name) for name in names)


def asset(environment: jinja2.Environment, name: str) -> Markup:
    """Return the style sheet or the script ``name`` as it is to stand in its element.

    It is taken literally: braces in it are its own. Raises `TemplateError` where it holds the end
    tag of the element that it is put into.
    """
    loader = environment.loader
    assert loader is not None, "make_environment always sets a loader"  # noqa: S101
    text, file, _ = loader.get_source(environment, name)
    element = "script" if name.endswith(".js") else "style"
    if end_tag := re.search(f"</{element}", text, re.IGNORECASE):
        line = text.count("\n", 0, end_tag.start()) + 1
        raise TemplateError(
            f"{file}, line {line}: found {end_tag[0]!r}, which would end the element that the "
            f"file is inlined into. Write it as <\\/{element} in a string, or leave it out."
        )
    return Markup(text)  # noqa: S704 - a file of the project or of the user, not data


def content_security_policy(script: str) -> str:
    """Return a policy that allows ``data:`` pictures, inline styles and exactly ``script``."""
    digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def stream(
    environment: jinja2.Environment, name: str, context: Mapping[str, object]
) -> Iterator[str]:
    """Yield the template ``name`` rendered with ``context``, piece by piece.

    Raises `TemplateError` where a template is missing, cannot be parsed or fails.
    """
    try:
        yield from environment.get_template(name).generate(context)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(_explain(error.filename, error.lineno, error.message)) from error
    except jinja2.TemplatesNotFound as error:
        file, line = _position(error)
        raise TemplateError(_explain(file, line, f"no template named {error.message}")) from error
    except TemplateError:
        raise
    except Exception as error:
        file, line = _position(error)
        if file is None:  # not in a template: a mistake of ours, to be seen in full
            raise
        found = str(error) if isinstance(error, jinja2.TemplateError) else repr(error)
        raise TemplateError(_explain(file, line, found)) from error


def check_templates(template_dir: Path | None) -> None:
    """Parse every template and asset now, before minutes of computing that one could waste.

    Raises `TemplateError` where ``template_dir`` is not a folder, a file of it is not UTF-8, or a
    template cannot be parsed. An undefined name shows only when the page is rendered.
    """
    environment = make_environment(template_dir)
    for name in (*STYLES, *SCRIPTS):
        asset(environment, name)
    for name in environment.list_templates(extensions=["j2"]):
        try:
            environment.get_template(name)
        except jinja2.TemplateSyntaxError as error:
            raise TemplateError(_explain(error.filename, error.lineno, error.message)) from error


def _position(error: Exception) -> tuple[str | None, int]:
    """Return file and line of the template frame to blame: the user's own, or the innermost."""
    frames: list[tuple[str | None, int]] = [
        (frame.filename, frame.lineno or 0)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.endswith(".j2")
    ]
    builtin = str(builtin_folder())
    own = [frame for frame in frames if frame[0] and not frame[0].startswith(builtin)]
    return (own or frames or [(None, 0)])[-1]


def _explain(file: str | None, line: int, found: str | None) -> str:
    """Return the text of an error: where, what was found, and what to do."""
    return (
        f"{file or PAGE}, line {line}: {found}. Correct that line, or remove the file from "
        "--template-dir to go back to the built-in template."
    )
