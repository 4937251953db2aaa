"""The Jinja2 environment: where templates are found and how their mistakes are told.

A folder of the user's own comes first, so that any one file of the built-in set can be replaced:
the page, one section, the macros, a style sheet or a script. A replacement reaches the file
that it replaces under ``builtin/``, as in ``{% extends "builtin/report.html.j2" %}``.
"""

from __future__ import annotations

import json
import re
import traceback
from base64 import b64encode
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from reportgen import language
from reportgen.errors import TemplateError
from reportgen.render import colours, evidence, findings, index, layout, plots, words
from reportgen.render.bibliography import bibliography
from reportgen.render.compact import compact
from reportgen.render.filters import FILTERS
from reportgen.render.front import hand_in
from reportgen.render.gathering import gather_media
from reportgen.render.kept import Kept, made_once
from reportgen.render.links import OnePage
from reportgen.render.markdown import markdown
from reportgen.render.minify import Dedent, minify_script, minify_style
from reportgen.render.offering import name_offers
from reportgen.render.pictures import Inline
from reportgen.render.properties import shorten_properties
from reportgen.render.rename import rename_variables
from reportgen.render.sharing import share_repeated, strict_once
from reportgen.render.texts import Text, take_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reportgen.render.links import Links
    from reportgen.render.pictures import Pictures

    Source = tuple[str, str, Callable[[], bool]]

PAGE = "report.html.j2"
INDEX_PAGE = "index.html.j2"
IMAGES_PAGE = "page.html.j2"
STYLES = (
    "report.css",
    "styles/summary.css",
    "styles/sheet.css",
    "styles/predictions.css",
    "styles/chosen.css",
    "styles/labels.css",
    "styles/images.css",
    "styles/maps.css",
    "styles/features.css",
    "styles/measured.css",
    "styles/evidence.css",
    "styles/how.css",
    "styles/viewer.css",
    "styles/notes.css",
    "styles/pages.css",
    "styles/print.css",
    "styles/paper.css",
)
"""Style sheets in the order of the cascade: the ground first, paper last."""
SCRIPTS = (
    "scripts/language.js",
    "scripts/markdown.js",
    "scripts/notes.js",
    "scripts/marks.js",
    "report.js",
    "scripts/rows.js",
    "scripts/data.js",
    "scripts/state.js",
    "scripts/draw.js",
    "scripts/window.js",
    "scripts/lines.js",
    "scripts/facets.js",
    "scripts/chosen.js",
    "scripts/glance.js",
    "scripts/mosaic.js",
    "scripts/tabs.js",
    "scripts/originals.js",
    "scripts/viewer/controls.js",
    "scripts/viewer/pixels.js",
    "scripts/viewer/maps.js",
    "scripts/viewer/panels.js",
    "scripts/viewer/scene.js",
    "scripts/viewer/stage.js",
    "scripts/viewer/save.js",
    "scripts/viewer/dialog.js",
)
"""Scripts in the order they run; each is complete in itself."""

SENTENCES: dict[str, Callable[..., str]] = {
    "describe_agreement": words.describe_agreement,
    "describe_heat": words.describe_heat,
    "describe_hit": words.describe_hit,
    "describe_overlap": words.describe_overlap,
    "describe_panel": words.describe_panel,
    "state_words": words.state_words,
}
"""Filters that say in words what numbers about maps mean."""

EVIDENCE: dict[str, Callable[..., object]] = {
    "axis": plots.axis,
    "bibliography": bibliography,
    "box_overlay": plots.box_overlay,
    "component_transfer": colours.component_transfer,
    "palette_named": colours.palette_named,
    "sheet": colours.sheet,
    "box_rows": evidence.box_rows,
    "curve_plot": plots.curve_plot,
    "findings": findings.findings,
    "hand_in": hand_in,
    "leading_map": index.leading_map,
    "map_measures": index.measures,
    "markdown": markdown,
    "row_values": index.row_values,
    "warning_count": index.warning_count,
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


_COMPILED = Kept()
_MINIFIED = {"script": cache(minify_script), "style": cache(minify_style)}


def make_environment(
    template_dir: Path | None = None,
    pictures: Pictures | None = None,
    links: Links | None = None,
) -> jinja2.Environment:
    """Return the environment that looks in ``template_dir`` first, then in the built-in set.

    ``pictures`` says where pictures are, ``links`` where the parts of the report are; by default
    all is inside the page.

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
        extensions=["jinja2.ext.i18n", Dedent],
        bytecode_cache=_COMPILED,
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        language._, language.ngettext, newstyle=True, pgettext=language.pgettext
    )
    environment.globals["_"] = _text
    where = pictures or Inline()
    environment.filters["src"] = where.src
    # In a template `_` trusts its text to be a template's own; what is data goes through this.
    environment.filters["translated"] = _translated
    environment.globals["inline"] = where.inline
    environment.globals["own_templates"] = template_dir is not None
    environment.globals["coarse"] = layout.COARSE
    places = links or OnePage()
    environment.globals["image_href"] = places.image_href
    environment.globals["part_href"] = places.part_href
    environment.filters.update(FILTERS)
    environment.filters.update(SENTENCES)
    environment.filters.update(EVIDENCE)
    return environment


def _text(text: str, **given: object) -> Markup:
    """Return a template's own text in the report's language, with what is put into it.

    As Jinja's, which a page asks thousands of times and which takes four times as long.
    """
    spoken = Markup(language._(text))  # noqa: S704 - of a template or a catalogue
    return spoken % given if given or "%" in spoken else spoken


def _translated(text: str) -> str:
    return language._(text) if text else text  # a catalogue's entry for nothing is its header


def style_of(environment: jinja2.Environment, names: Iterable[str]) -> Markup:
    """Return several style sheets as one, to stand in one element.

    Its colours and fonts get short names, unless templates of the user's own may ask for them, and
    what is different in one medium stands together.
    """
    sheets = (asset(environment, name) for name in names)
    style = "".join(sheet if sheet.endswith("}") else sheet + "\n" for sheet in sheets)
    if environment.globals["own_templates"]:
        return Markup(style)  # noqa: S704 - files of the project or of the user, not data
    shortened = shorten_properties(gather_media(style))
    return Markup(shortened)  # noqa: S704 - as it was, but for names and order


@dataclass(frozen=True, slots=True)
class Script:
    """The scripts of a page as one, and the texts that it asks for."""

    code: Markup
    """To stand in one element."""
    texts: tuple[str, ...]
    """In the language that the page is in, in the order of their numbers in the code."""


def script_of(environment: jinja2.Environment, names: Iterable[str]) -> Script:
    """Return several scripts as one.

    Its variables get short names, the same in all of them, what they repeat stands at the head
    once, and their texts are numbers.
    """
    code, texts = _shortened(tuple(_text_of(environment, name) for name in names))
    markup = Markup(code)  # noqa: S704 - as it was, but for names and numbers
    return Script(markup, tuple(text.shown(language._(text.english)) for text in texts))


@lru_cache(16)
def _shortened(sources: tuple[str, ...]) -> tuple[str, tuple[Text, ...]]:
    """Return several scripts as one, shortened, and its texts."""

    def make() -> str:
        whole = strict_once([_MINIFIED["script"](source) for source in sources])
        numbered, texts = take_texts(whole)
        return json.dumps([rename_variables(share_repeated(compact(name_offers(numbered)))), texts])

    code, texts = json.loads(made_once(sources, _SHORTENING, make))
    return code, tuple(Text(*text) for text in texts)


_SHORTENING = [
    Path(__file__).with_name(f"{name}.py")
    for name in (
        "environment",
        "minify",
        "texts",
        "offering",
        "compact",
        "reading",
        "sharing",
        "rename",
    )
]
"""Source files of what shortens scripts."""


def asset(environment: jinja2.Environment, name: str) -> Markup:
    """Return the style sheet or the script ``name`` as it is to stand in its element, minified.

    It is taken literally: braces in it are its own. Raises `TemplateError` where it holds the end
    tag of the element that it is put into.
    """
    element = "script" if name.endswith(".js") else "style"
    text = _text_of(environment, name)
    return Markup(_MINIFIED[element](text))  # noqa: S704 - a file of the project or of the user, not data


def _text_of(environment: jinja2.Environment, name: str) -> str:
    """Return a style sheet or script as it was written; raises as `asset` does."""
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
    return text


def loader_of(addresses: Iterable[str]) -> Markup:
    """Return a script that loads the scripts at ``addresses``, which run in their order.

    A hash in a policy, or in ``integrity``, needs CORS to be compared with a file, and a page from
    disk has none. So what is hashed is this script, which stands in the page and names the files.

    Parameters
    ----------
    addresses
        Paths relative to the page, of letters, digits, slashes and dots.
    """
    code = (
        f"for(const src of {json.dumps(list(addresses), separators=(',', ':'))})"
        'document.body.append(Object.assign(document.createElement("script"),{src,async:!1}))'
    )
    return Markup(code)  # noqa: S704 - addresses that we made


def content_security_policy(script: str, *, files: bool = False) -> str:
    """Return a policy that allows inline styles and exactly ``script``, by its hash.

    Parameters
    ----------
    script
        As it stands in its element.
    files
        Whether the report is in several files: then pictures and styles may be files beside the
        page, and scripts those that ``script`` adds; no element in the markup names one that runs.
    """
    digest = b64encode(sha256(script.encode()).digest()).decode("ascii")
    own, added = ("'self' ", " 'strict-dynamic'") if files else ("", "")
    return (
        f"default-src 'none'; img-src {own}data:; style-src {own}'unsafe-inline'; "
        f"script-src 'sha256-{digest}'{added}; base-uri 'none'; form-action 'none'"
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

    Only where there are others than the built-in ones, which are in order.

    Raises `TemplateError` where ``template_dir`` is not a folder, a file of it is not UTF-8, or a
    template cannot be parsed. An undefined name shows only when the page is rendered.
    """
    if template_dir is None:
        return
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
