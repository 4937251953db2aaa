"""Notes as HTML: what is kept of Markdown, and that nothing else passes."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hostile_notes import ATTACKS
from sample import full_report

from reportgen.render.environment import make_environment
from reportgen.render.links import OnePage, Paged
from reportgen.render.markdown import Places, to_html

if TYPE_CHECKING:
    from reportgen.render.links import Links

ALLOWED = {
    "a": {"href", "rel"},
    "code": {"class"},
    "td": {"class"},
    "th": {"class"},
    "ol": {"start"},
}
PLAIN = frozenset(
    {"blockquote", "br", "em", "h3", "h4", "h5", "h6", "hr", "li", "p", "pre", "s", "strong"}
    | {"table", "tbody", "thead", "tr", "ul"}
)


class Elements(HTMLParser):
    """Everything in a piece of HTML that is no text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[dict[str, str | None]] = []
        self.faults: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        self.faults += [f"{name} is not closed" for name in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if not (tag in PLAIN or tag in ALLOWED) or not names <= ALLOWED.get(tag, set()):
            self.faults.append(f"<{tag} {sorted(names)}>")
        if tag == "a":
            self.links.append(dict(attrs))
        if tag not in {"br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"declaration {decl}")


def nowhere(_link: str) -> None:
    return None


def html(text: str, level: int = 3) -> str:
    return str(to_html(text, level, nowhere)).strip()


def places(links: Links | None = None) -> Places:
    environment = make_environment(links=links)
    report = full_report()
    return Places(report, 0, len(report.images), environment.globals)


# -- harm ------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", [*ATTACKS, "\n\n".join(ATTACKS)])
def test_nothing_passes_but_text_and_safe_links(attack: str) -> None:
    found = Elements(str(to_html(attack, 5, places().find)))
    assert found.faults == []
    for link in found.links:
        href = link["href"] or ""
        assert href.startswith(("https://", "http://", "mailto:", "#"))
        outside = not href.startswith("#")
        assert link.get("rel") == ("noopener noreferrer" if outside else None)


def test_the_check_itself_finds_faults() -> None:
    bad = ("<script>", "<a onclick=x>y</a>", "<img src=x>", "<p>", "</div>", "<!-- x -->", "<!x>")
    assert all(Elements(text).faults for text in bad)


def test_html_is_text() -> None:
    text = "<b>x</b> &lt;i&gt; <https://x.example/?a=1&b=2>"
    found = Elements(html(text))
    assert found.text == "<b>x</b> <i> https://x.example/?a=1&b=2"
    assert found.links == [
        {"href": "https://x.example/?a=1&b=2", "rel": "noopener noreferrer"},
    ]


def test_pictures_are_links() -> None:
    rel = 'rel="noopener noreferrer"'
    assert html("![a *b*](https://x.example/y.png)") == (
        f'<p><a href="https://x.example/y.png" {rel}>a b</a></p>'
    )
    assert html("![](https://x.example/y.png)") == (
        f'<p><a href="https://x.example/y.png" {rel}>https://x.example/y.png</a></p>'
    )
    assert html("[![a](https://x.example/y.png)](https://z.example)") == (
        f'<p><a href="https://z.example" {rel}>a</a></p>'
    )
    assert html("![gone](y.png)") == "<p>gone</p>"


# -- links -----------------------------------------------------------------------------------


def test_links_into_the_report() -> None:
    find = places().find
    assert find("#image-3") == "#image-3"
    assert find("#image-3-target-2") == "#image-3-target-2"
    assert find("#image-5") is None
    assert find("#how") == "#how"
    assert find("dogs/beagle.png") == "#image-2"
    assert find("./dogs/beagle.png") == "#image-2"
    assert find("dogs%2Fbeagle.png") == "#image-2"
    assert find("nothing.png") is None
    assert find("#<b>") is None


def test_links_between_pages() -> None:
    links = Paged(2)
    find = places(links).find
    assert find("stray.webp") == "page-2.html#image-4"
    links.page = 2
    assert find("#image-4") == "#image-4"
    assert find("#image-1-target-1") == "page-1.html#image-1-target-1"
    assert find("#how") == "index.html#how"


def test_the_filter_knows_the_report() -> None:
    environment = make_environment(links=OnePage())
    template = environment.from_string("{{ text|markdown(5) }}")
    report = full_report()
    page = {"report": report, "offset": 10, "total": 14, "text": "# [x](stray.webp) <y>"}
    assert template.render(page).strip() == '<h5><a href="#image-14">x</a> &lt;y&gt;</h5>'


# -- text ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "level", "outline"),
    [
        ("# a\n## b\n### c\n# d", 3, ["h3", "h4", "h5", "h3"]),
        ("### a\n##### b\n# c", 3, ["h3", "h4", "h3"]),
        ("# a\n### b\n## c\n### d", 5, ["h5", "h6", "h6", "h6"]),
        ("a\n===\nb\n---", 5, ["h5", "h6"]),
        ("> # a\n\n## b", 5, ["h5", "h6"]),
    ],
)
def test_headings_begin_where_the_page_has_them(text: str, level: int, outline: list[str]) -> None:
    found: list[str] = []

    class Headings(HTMLParser):
        def handle_starttag(self, tag: str, _attrs: object) -> None:
            if tag.startswith("h"):
                found.append(tag)

    Headings().feed(html(text, level))
    assert found == outline


def test_tables_and_strikethrough() -> None:
    found = html("| a | b |\n|---|--:|\n| ~~1~~ | 2 |").replace("\n", "")
    assert '<th>a</th><th class="number">b</th>' in found
    assert '<td><s>1</s></td><td class="number">2</td>' in found
    assert "style" not in html("| a |\n|:-:|\n| b |")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$w_k * A_k * x$", "<p>$w_k * A_k * x$</p>"),
        ("$$\\sum_k *a* $$", "<p>$$\\sum_k *a* $$</p>"),
        ("$a < b$", "<p>$a &lt; b$</p>"),
        ("$\\$*a*$", "<p>$\\$*a*$</p>"),
        ("costs $5 and *$6*", "<p>costs $5 and <em>$6</em></p>"),
        ("a $ *b* $ c", "<p>a $ <em>b</em> $ c</p>"),
        ("`$*a*$`", "<p><code>$*a*$</code></p>"),
        ("$", "<p>$</p>"),
    ],
)
def test_formulas_stay_as_written(text: str, expected: str) -> None:
    assert html(text) == expected


def test_long_notes_take_no_long_time() -> None:
    # Whatever can be opened and is not closed, many times over: linear, or this would not end.
    for piece in ("$", "$a", "[", "![", "*a ", "`", "~~", "> ", "<", "[a](", "\\$$"):
        assert html(piece * 3_000)
