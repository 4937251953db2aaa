"""The two forms of a report: one file, and a folder of pages."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from sample import HOSTILE_NAMES, image

from reportgen.errors import TemplateError
from reportgen.folder import MANIFEST, OutputFolder, read_manifest
from reportgen.render import RenderOptions, check_templates, render
from reportgen.render import pages as pages_module
from reportgen.render.formats import MAIL_LIMIT, expected_files, size_warning
from reportgen.render.outbox import Outbox
from reportgen.render.pages import DATA, FOLDER_FROM, folder_pages, is_folder, looked_at, page_links
from reportgen.render.pictures import ASSETS, Files, data_uri

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reportgen.values import ImageRecord, Report

PAIRS = RenderOptions(form="folder", page_size=2)
"""Three images take two pages."""

NAME = re.compile(r"assets/([0-9a-f]/[0-9a-f]{23}\.(png|jpg)|[0-9a-f]{24}\.(css|js|svg)|data\.js)")

FETCHED = {("img", "src"), ("image", "href"), ("script", "src"), ("link", "href"), ("use", "href")}


class Markup(HTMLParser):
    """Addresses, anchors and tags of one page."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == ("script", {}):  # of what follows it, only spaces
            self.scripts += [data] if data.strip() else []

    @property
    def loaded(self) -> list[str]:
        """Return the scripts that the page's own one loads, in order."""
        (loader,) = self.scripts
        (listed,) = re.findall(r"\[.*?\]", loader)
        names: list[str] = json.loads(listed)
        return names

    @property
    def ids(self) -> set[str]:
        return {attributes["id"] for _, attributes in self.tags if "id" in attributes}

    @property
    def addresses(self) -> set[str]:
        found = {
            value
            for _, attributes in self.tags
            for name, value in attributes.items()
            if name in {"href", "src", "data-pictures", "data-grey"}
        }
        return (found | set(self.loaded)) - {""}

    @property
    def fetched(self) -> set[str]:
        return {
            value
            for tag, attributes in self.tags
            for name, value in attributes.items()
            if (tag, name) in FETCHED and not value.startswith("#") and tag != "a"
        }

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def markups(folder: Path) -> dict[str, Markup]:
    return {path.name: Markup(path) for path in sorted(folder.glob("*.html"))}


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def pictures_script(folder: Path, name: str) -> dict[str, str]:
    text = (folder / name).read_text(encoding="utf-8")
    start, end = "window.reportgenPictures=", ";\n"
    assert text.startswith(start)
    assert text.endswith(end)
    loaded: dict[str, str] = json.loads(text.removeprefix(start).removesuffix(end))
    return loaded


def written_by_others(report: Report) -> Iterator[str]:
    """Yield the files that a run writes before the report is rendered, or after it."""
    yield "run.toml"
    for item in report.images:
        panels = [panel for record in item.targets for panel in record.panels]
        for found in (
            item.maps_file,
            *(mosaic.file for mosaic in item.mosaics),
            *(panel.overlay_file for panel in panels),
            *(panel.original_file for panel in panels),
        ):
            if found:
                yield found


@pytest.fixture(params=["sample", "full", "measured", "hostile"])
def any_report(request: pytest.FixtureRequest) -> Report:
    found: Report = request.getfixturevalue(request.param)
    return found


# -- which form ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "images", "folder"),
    [
        ("auto", FOLDER_FROM - 1, False),
        ("auto", FOLDER_FROM, True),
        ("single", 10_000, False),
        ("folder", 1, True),
    ],
)
def test_form_follows_the_number_of_images(form: Any, images: int, *, folder: bool) -> None:  # noqa: ANN401
    assert is_folder(images, RenderOptions(form=form)) is folder
    assert FOLDER_FROM == 500


def test_few_images_are_one_file(sample: Report, tmp_path: Path) -> None:
    names = render(sample, tmp_path)
    assert files_below(tmp_path) == set(names)
    assert names[0] == "index.html"


def test_a_folder_is_what_many_images_make(
    sample: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages_module, "FOLDER_FROM", len(sample.images))
    assert render(sample, tmp_path)[-2:] == ("index.html", "page-1.html")


def test_pages_share_the_images_out() -> None:
    found = [(page.href, page.first, page.last) for page in page_links(101, 50)]
    assert found == [("page-1.html", 1, 50), ("page-2.html", 51, 100), ("page-3.html", 101, 101)]
    assert page_links(0, 50) == ()


def test_expected_files_are_those_of_the_form(sample: Report, tmp_path: Path) -> None:
    single = expected_files(3, RenderOptions())
    assert single == ("index.html", "report.json", "predictions.csv", "metrics.csv")
    written = render(sample, tmp_path, PAIRS)
    assert set(written) <= set(expected_files(3, PAIRS))
    assert set(expected_files(3, PAIRS)) - set(single) == {"page-1.html", "page-2.html"}


# -- the files of a folder -------------------------------------------------------------------


def test_every_address_of_a_folder_leads_somewhere(any_report: Report, tmp_path: Path) -> None:
    render(any_report, tmp_path, PAIRS)
    found = markups(tmp_path)
    assert len(found) == 1 + -(-len(any_report.images) // 2)
    beside = set(written_by_others(any_report))
    for name, markup in found.items():
        for address in markup.addresses:
            path, anchor = urldefrag(address)
            assert not urlsplit(path).scheme, address
            assert not path.startswith("/"), address
            target = unquote(path) or name
            if target in beside:
                continue
            assert (tmp_path / target).is_file(), (name, address)
            if anchor:
                assert anchor in found[target].ids, (name, address)


def test_every_file_of_a_folder_is_used(any_report: Report, tmp_path: Path) -> None:
    names = set(render(any_report, tmp_path, PAIRS))
    used = set().union(*(markup.addresses for markup in markups(tmp_path).values()))
    index = (tmp_path / "assets/data.js").read_text(encoding="utf-8")
    rest = files_below(tmp_path) - names - used
    assert {name for name in rest if name not in index} == set()


def test_assets_are_named_by_their_content(any_report: Report, tmp_path: Path) -> None:
    names = set(render(any_report, tmp_path, PAIRS))
    rest = files_below(tmp_path) - names
    assert len(rest) > 10
    for name in rest:
        assert NAME.fullmatch(name), name
        assert len(name) <= 40
    assert all(re.fullmatch(r"index\.html|page-\d+\.html|[a-z]+\.(json|csv)", it) for it in names)


def test_a_folder_is_written_the_same_way_again(full: Report, tmp_path: Path) -> None:
    contents = []
    for name in ("first", "second", "second"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        render(full, folder, PAIRS)
        contents.append({item: (folder / item).read_bytes() for item in files_below(folder)})
    assert contents[0] == contents[1] == contents[2]


def test_names_of_images_are_in_no_file_name(hostile: Report, tmp_path: Path) -> None:
    render(hostile, tmp_path, PAIRS)
    names = "\n".join(files_below(tmp_path))
    for name in HOSTILE_NAMES:
        assert name.rpartition("/")[2][:12] not in names
    pages = [path.read_text(encoding="utf-8") for path in tmp_path.glob("*.html")]
    assert not any("<script>alert" in page for page in pages)


def test_a_folder_has_no_picture_inside_its_pages(full: Report, tmp_path: Path) -> None:
    render(full, tmp_path, PAIRS)
    for path in tmp_path.glob("*.html"):
        assert "data:image" not in path.read_text(encoding="utf-8")


def test_only_the_markup_differs_between_the_forms(full: Report, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    render(full, tmp_path / "a")
    render(full, tmp_path / "b", PAIRS)
    for name in ("report.json", "predictions.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


# -- the pages -------------------------------------------------------------------------------


def test_pages_have_the_anchors_of_the_single_file(full: Report, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    render(full, tmp_path / "a")
    render(full, tmp_path / "b", PAIRS)
    single = Markup(tmp_path / "a" / "index.html").ids
    paged = markups(tmp_path / "b")
    images = {name: {it for it in markup.ids if "image-" in it} for name, markup in paged.items()}
    assert images["index.html"] == set()
    assert images["page-1.html"] & images["page-2.html"] == set()
    assert images["page-1.html"] | images["page-2.html"] == {it for it in single if "image-" in it}
    assert "image-3" in images["page-2.html"]


def test_pages_lead_to_one_another(sample: Report, tmp_path: Path) -> None:
    render(sample, tmp_path, PAIRS)
    found = markups(tmp_path)
    assert {"page-1.html", "page-2.html"} <= found["index.html"].addresses
    first, second = found["page-1.html"], found["page-2.html"]
    assert {"page-2.html#image-3", "page-2.html", "index.html", "#image-1"} <= first.addresses
    assert {"page-1.html#image-2", "page-1.html", "index.html"} <= second.addresses
    assert not any(it.startswith("page-1.html#") for it in first.addresses)
    assert [it["href"] for it in first.all("link") if it["rel"] == "next"] == ["page-2.html"]
    assert [it["href"] for it in second.all("link") if it["rel"] == "prev"] == ["page-1.html"]
    assert not any(it["rel"] == "next" for it in second.all("link"))


def test_parts_of_the_index_are_linked_from_pages(measured: Report, tmp_path: Path) -> None:
    render(measured, tmp_path, PAIRS)
    assert "index.html#measures" in markups(tmp_path)["page-1.html"].addresses


def test_a_page_of_a_folder_runs_one_script_that_names_its_files(
    hostile: Report, tmp_path: Path
) -> None:
    render(hostile, tmp_path, PAIRS)
    for name, markup in markups(tmp_path).items():
        (policy,) = [it["content"] for it in markup.all("meta") if "http-equiv" in it]
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        (script,) = markup.scripts
        digest = b64encode(sha256(script.encode()).digest()).decode()
        assert rules["script-src"] == f"'sha256-{digest}' 'strict-dynamic'"
        assert rules["default-src"] == "'none'"
        others = [it for it in markup.all("script") if it.get("type") != "application/json"]
        assert others == [{}]
        assert all(NAME.fullmatch(it) for it in markup.loaded)
        assert markup.loaded[:-1] == (["assets/data.js"] if name == "index.html" else [])
        assert not any(key.startswith("on") for _, it in markup.tags for key in it)
        assert markup.all("style") == []


def test_pixels_of_a_page_are_in_its_script(full: Report, tmp_path: Path) -> None:
    render(full, tmp_path, PAIRS)
    paged = markups(tmp_path)
    for name, images in (("page-1.html", full.images[:2]), ("page-2.html", full.images[2:])):
        (body,) = paged[name].all("body")
        pixels = pictures_script(tmp_path, body["data-pictures"])
        files = Files(tmp_path)
        for picture in looked_at(images):
            assert pixels[files.src(picture)] == data_uri(picture)
        (palettes,) = [it for it in paged[name].all("img") if it.get("id") == "palettes"]
        assert palettes["src"] in pixels
        assert set(pixels) <= files_below(tmp_path)
        drawn = {it["id"]: it["href"] for it in paged[name].all("image") if "id" in it}
        assert {key.partition("-")[0] for key in drawn} == {"photo", "map", "contrast"}
        assert set(drawn.values()) <= set(pixels)
    assert "data-pictures" not in paged["index.html"].all("body")[0]


def test_overlays_of_a_folder_are_loaded_when_they_come_near(full: Report, tmp_path: Path) -> None:
    render(full, tmp_path, PAIRS)
    found = [it for it in markups(tmp_path)["page-1.html"].all("img") if "hidden" not in it]
    assert len(found) > 10
    assert {it.get("loading") for it in found} <= {"lazy", None}
    assert sum(it.get("loading") == "lazy" for it in found) > 10


def test_a_report_without_images_has_an_index(sample: Report, tmp_path: Path) -> None:
    names = render(replace(sample, images=()), tmp_path, PAIRS)
    assert names == ("report.json", "predictions.csv", "index.html")


def test_no_page_needs_that_a_file_is_written_already(
    sample: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[tuple[Path, bytes]] = []
    monkeypatch.setattr(Outbox, "put", lambda _, path, data: waiting.append((path, data)))
    render(replace(sample, images=()), tmp_path, PAIRS)
    assert not (tmp_path / ASSETS).exists()
    assert tmp_path / DATA in {path for path, _ in waiting}


class Counted(tuple["ImageRecord", ...]):
    """Images that count how many of them were asked for."""

    __slots__ = ()
    taken: ClassVar[int] = 0

    def __iter__(self) -> Iterator[ImageRecord]:
        for item in super().__iter__():
            Counted.taken += 1
            yield item

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - as a tuple's
        found = super().__getitem__(index)
        Counted.taken += len(found) if isinstance(index, slice) else 1
        return found


def test_a_page_takes_no_more_than_its_own_images(sample: Report, tmp_path: Path) -> None:
    images = Counted(image(f"{number}.png") for number in range(6))
    pages = folder_pages(replace(sample, images=images), tmp_path, PAIRS, ())
    assert next(pages)[0] == "index.html"
    Counted.taken = 0
    name, pieces = next(pages)
    assert (name, Counted.taken) == ("page-1.html", 2)
    assert "image-2" in "".join(pieces)
    assert (next(pages)[0], Counted.taken) == ("page-2.html", 4)


def test_a_page_comes_piece_by_piece(sample: Report, tmp_path: Path) -> None:
    _index, (_, pieces), *_ = folder_pages(sample, tmp_path, PAIRS, ())
    found = list(pieces)
    assert len(found) > 100
    assert max(map(len, found)) < 0.2 * sum(map(len, found))


def test_a_page_of_one_image_says_so(sample: Report, tmp_path: Path) -> None:
    render(sample, tmp_path, PAIRS)
    first, second = ((tmp_path / f"page-{n}.html").read_text("utf-8") for n in (1, 2))
    assert "<h1>Images 1 to 2 of 3</h1>" in first
    assert f"<title>Images 1 to 2 of 3 – {sample.title}</title>" in first
    assert "<h1>Image 3 of 3</h1>" in second


@pytest.mark.parametrize("name", ["index.html.j2", "page.html.j2", "pager.html.j2"])
def test_templates_of_pages_are_checked_beforehand(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("{% if %}", encoding="utf-8")
    with pytest.raises(TemplateError, match=rf"{name}, line 1"):
        check_templates(tmp_path)


def test_templates_of_pages_can_be_replaced(sample: Report, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    text = '{% extends "builtin/page.html.j2" %}{% block foot %}<p>mine</p>{% endblock %}'
    (own / "page.html.j2").write_text(text, encoding="utf-8")
    render(sample, tmp_path, replace(PAIRS, template_dir=own))
    assert "<p>mine</p>" in (tmp_path / "page-2.html").read_text("utf-8")


# -- in its place ----------------------------------------------------------------------------


def commit(report: Report, path: Path, options: RenderOptions) -> set[str]:
    output = OutputFolder(path, force=True)
    with output.staging() as staging:
        render(report, staging, options)
        output.commit(staging)
    return set(read_manifest(path) or {})


def test_manifest_has_every_file_and_forms_replace_each_other(
    sample: Report, tmp_path: Path
) -> None:
    path = tmp_path / "report"
    folder = commit(sample, path, PAIRS)
    assert folder == files_below(path) - {MANIFEST}
    assert {"page-2.html", "assets/data.js"} <= folder
    stranger = path / "assets" / "mine.txt"
    stranger.write_text("kept", encoding="utf-8")
    single = commit(sample, path, RenderOptions())
    assert single == {"index.html", "report.json", "predictions.csv"}
    assert files_below(path) == single | {MANIFEST, "assets/mine.txt"}
    assert commit(sample, path, PAIRS) == folder
    assert stranger.read_text(encoding="utf-8") == "kept"
    fewer = replace(sample, images=sample.images[:1])
    assert "page-2.html" not in commit(fewer, path, PAIRS)
    assert not (path / "page-2.html").exists()


# -- a single file too large for mail --------------------------------------------------------


def test_a_large_file_is_warned_of(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    with page.open("wb") as file:
        file.truncate(MAIL_LIMIT)
    assert size_warning(page) is None
    with page.open("ab") as file:
        file.truncate(MAIL_LIMIT + 400_000)
    warning = size_warning(page)
    assert warning is not None
    assert "18.4 MB" in warning
    for option in ("--compact", "--folder", "--zip", "--pdf"):
        assert option in warning


def test_defaults_are_as_documented() -> None:
    assert (pages_module.PAGE_SIZE, MAIL_LIMIT) == (50, 18_000_000)
