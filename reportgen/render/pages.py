"""The pages of a report: one file that has everything, or an index and pages of images.

Both are made of the same templates; what differs is where pictures and other parts are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from reportgen.render.colours import sheet
from reportgen.render.environment import (
    IMAGES_PAGE,
    INDEX_PAGE,
    PAGE,
    SCRIPTS,
    STYLES,
    content_security_policy,
    loader_of,
    make_environment,
    script_of,
    stream,
    style_of,
)
from reportgen.render.evidence import MEASURES
from reportgen.render.index import index_data
from reportgen.render.links import INDEX, Paged, page_name
from reportgen.render.needed import needed
from reportgen.render.pictures import ASSETS, Files
from reportgen.render.sections import shown_sections
from reportgen.render.words import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import jinja2

    from reportgen.render.formats import OutputFormat
    from reportgen.render.sections import Place
    from reportgen.values import ImageRecord, Picture, Report

    Wanted = Callable[[int], bool]
    """Says whether the page of images with a number, from 1, is to be made here."""

Form = Literal["auto", "single", "folder"]
"""``auto``: a single file for fewer than `FOLDER_FROM` images, a folder from there on."""

FOLDER_FROM = 500
PAGE_SIZE = 50

DATA = f"{ASSETS}/data.js"
"""What the index shows of every image."""

ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>"
    "<rect width='16' height='16' rx='2' fill='#1b4f8a'/>"
    "<circle cx='9' cy='7' r='5' fill='#e8a33d'/><circle cx='9' cy='7' r='2.4' fill='#c2352b'/>"
    "</svg>"
)
"""In the browser's tab."""


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What a format may need beside the report."""

    template_dir: Path | None = None
    """Folder of the user's own templates, looked into before the built-in ones."""
    form: Form = "auto"
    page_size: int = PAGE_SIZE
    """Images on a page of a folder; at least 1."""


DEFAULTS = RenderOptions()


@dataclass(frozen=True, slots=True)
class PageLink:
    """One of the pages with images."""

    number: int
    """From 1."""
    href: str
    first: int
    """Number of its first image in the run, from 1."""
    last: int


def is_folder(images: int, options: RenderOptions) -> bool:
    """Return whether a report of so many images is a folder of pages, not a single file."""
    return options.form == "folder" or (options.form == "auto" and images >= FOLDER_FROM)


def page_links(images: int, page_size: int) -> tuple[PageLink, ...]:
    """Return the pages that so many images take."""
    return tuple(
        PageLink(page, page_name(page), first, min(first + page_size - 1, images))
        for page, first in enumerate(range(1, images + 1, page_size), 1)
    )


def single_page(
    report: Report, options: RenderOptions, others: Sequence[OutputFormat]
) -> Iterator[str]:
    """Yield the page, complete in itself: style, script and every picture are inline.

    Raises `TemplateError` where a template is missing or fails.
    """
    environment = make_environment(options.template_dir)
    script = script_of(environment, needed(SCRIPTS, report, "single"))
    yield from stream(
        environment,
        PAGE,
        {
            **_context(environment, report, others, "single"),
            "icon": "data:image/svg+xml," + quote(ICON, safe=" /:='"),
            "style": style_of(environment, needed(STYLES, report, "single")),
            "script": script.code,
            "messages": script.texts,
            "policy": content_security_policy(script.code),
        },
    )


def every_page(_number: int) -> bool:
    """Want every page."""
    return True


def folder_pages(  # noqa: PLR0913, PLR0917 - what pages are made of, and where
    report: Report,
    folder: Path,
    options: RenderOptions,
    others: Sequence[OutputFormat],
    digests: dict[str, str] | None = None,
    wanted: Wanted = every_page,
) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield name and text of every page, the index first; write what they need into ``folder``.

    The text of a page has to be taken to its end before the next page is asked for. Only the
    records of one page are held at a time, as far as ``report.images`` does not hold them itself.
    ``digests`` is given the SHA-256 of what lies in the folder of assets.
    Of the pages of images, those are left out that are not ``wanted`` when it is their turn.

    Raises `TemplateError` where a template is missing or fails.
    """
    with Files(folder, digests) as files:
        pages = _Pages(report, files, options, others)
        yield pages.index()
        yield from pages.of_images(link for link in pages.links if wanted(link.number))


def image_pages(  # noqa: PLR0913, PLR0917 - as above
    report: Report,
    folder: Path,
    options: RenderOptions,
    others: Sequence[OutputFormat],
    digests: dict[str, str],
    wanted: Wanted,
) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield, of what `folder_pages` does, the pages of images that are ``wanted`` alone."""
    with Files(folder, digests) as files:
        pages = _Pages(report, files, options, others)
        yield from pages.of_images(link for link in pages.links if wanted(link.number))


class _Pages:
    """The pages of a report in several files."""

    def __init__(
        self,
        report: Report,
        files: Files,
        options: RenderOptions,
        others: Sequence[OutputFormat],
    ) -> None:
        self._report = report
        self._files = files
        self._others = others
        self._places = Paged(options.page_size)
        self._environment = make_environment(options.template_dir, files, self._places)
        self.links = page_links(len(report.images), options.page_size)
        self._shared = {
            "icon": files.put(ICON, ".svg"),
            "page_size": options.page_size,
            "pages": self.links,
            "total": len(report.images),
        }

    def of_images(self, links: Iterable[PageLink]) -> Iterator[tuple[str, Iterator[str]]]:
        """Yield the pages with images that ``links`` leads to."""
        report, environment = self._report, self._environment
        code = _code(environment, self._files, report, "page")
        palettes = sheet(report.run.palettes)
        for page in links:
            self._places.page = page.number
            images = tuple(report.images[page.first - 1 : page.last])
            own = replace(report, images=images)
            context = _context(environment, own, self._others, "page")
            self._places.parts = frozenset(section.id for section in shown_sections(own, "page"))
            pixels = self._files.put_pixels((palettes, *looked_at(images)))
            placed = {"page": page, "offset": page.first - 1, "pixels": pixels}
            given = {**context, **self._shared, **code, **placed}
            yield page.href, stream(environment, IMAGES_PAGE, given)

    def index(self) -> tuple[str, Iterator[str]]:
        """Return the page that all others are found from, and write its data beside it."""
        report, environment = self._report, self._environment
        self._places.page = 0
        data = index_data(report, self._files, self._places)
        self._files.put_as(DATA, data)
        code = _code(environment, self._files, report, "index")
        context = _context(environment, report, self._others, "index")
        return INDEX, stream(environment, INDEX_PAGE, {**context, **self._shared, **code})


def _code(
    environment: jinja2.Environment, files: Files, report: Report, place: Place
) -> dict[str, object]:
    """Return the styles and scripts of one kind of page: their files, and what loads the latter."""
    script = script_of(environment, needed(SCRIPTS, report, place))
    own = files.put(script.code, ".js")
    loader = loader_of([DATA, own] if place == "index" else [own])
    return {
        "stylesheet": files.put(style_of(environment, needed(STYLES, report, place)), ".css"),
        "script": loader,
        "policy": content_security_policy(loader, files=True),
        "messages": script.texts,
    }


def looked_at(images: Iterable[ImageRecord]) -> Iterator[Picture]:
    """Yield what the viewer reads pixels from: photos, what the model saw, and raw maps."""
    for image in images:
        yield image.photo
        panels = (panel.grey for target in image.targets for panel in target.panels)
        for picture in (image.view, *panels, image.contrast and image.contrast.grey):
            if picture:
                yield picture


def _context(
    environment: jinja2.Environment, report: Report, others: Sequence[OutputFormat], place: Place
) -> dict[str, object]:
    """Return what every page is given."""
    environment.globals["alpha"] = report.run.alpha
    return {
        "report": report,
        "run": report.run,
        "sections": shown_sections(report, place),
        "titles": {method.name: method.title for method in report.run.methods},
        "thresholds": THRESHOLDS,
        "measures": MEASURES,
        "other_formats": others,
        "form": place,
        "offset": 0,
        "total": len(report.images),
    }
