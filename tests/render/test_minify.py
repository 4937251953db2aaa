"""What is taken out of styles, scripts and templates, and what must not be."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import jinja2
import pytest

from reportgen.render.environment import SCRIPTS, STYLES, builtin_folder
from reportgen.render.minify import Dedent, minify_script, minify_style

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

# -- scripts ---------------------------------------------------------------------------------

LITERALS = (
    "const a='http://x  y';",
    'const a="it\'s  /* not */ one";',
    "const a='\\'  //';",
    "const a='one\\\n   line';",
    "const a=`  two  // ${b}\n   lines  /* no */`;",
    "const a=`${f(`  inner  // ${`  ${b}  `}  `)}  outer  `;",
    "const a=`${'}'}  ${{b:'`'}.b}  `;",
    "const a=`\\`  \\${  $ {  $`;",
    "const a=/[/\"'`]  \\/\\/  /u.test(b);",
    "const a=[/  '/,!/  '/,b?/  '/:/  '/,{c:/  '/}];",
    "const a=()=>/  '/;",
    "for(const a of/  '/[Symbol.split](b))c(a);",
    "function f(){return/  '/}",
    "if(a)/  '/.test(b);else/  '/.test(c);",
    "{a}/  '/.test(b);",
    "a.return/b;`  /  `;",
    "a[0]/b;'  /  ';",
    "(a)/b;'  /  ';",
    "a++/b;'  /  ';",
    "`${a}`/b;'  /  ';",
    "const a={b:{}}/c;'  /  ';",
    "[...a]/b;'  /  ';",
)
SHORTER = (
    ("'use strict';\n\n  // one\n  a(  b , c ) ;\n", "'use strict';a(b,c);"),
    ("/* one\n two */\na = {\n  b: 1, // two\n};\n", "a={b:1,};"),
    ("a /**/ in /**/ b", "a in b"),
    ("a\n  .b()\n  .c()", "a.b().c()"),
    ("a\n  ?? b ?\n c\n : d", "a??b?c:d"),
    (
        "class A {\n  #b = 1\n  get c() { return this.#b }\n}",
        "class A{#b=1\nget c(){return this.#b}}",
    ),
)
LINES_THAT_END = (
    ("return\na", "return\na"),
    ("a\n(b)", "a\n(b)"),
    ("a\n[b]", "a\n[b]"),
    ("a\n++b", "a\n++b"),
    ("a\n/b/g.c", "a\n/b/g.c"),
    ("a /* one\n two */ b", "a\nb"),
    ("const a = () => {}\nb()", "const a=()=>{}\nb()"),
    ("1.\na", "1.\na"),
    ("class A { static\n*b() {} }", "class A{static\n*b(){}}"),
)
KEPT_APART = (
    ("a + +b - -c + ++d", "a+ +b- -c+ ++d"),
    ("1 .toFixed()", "1 .toFixed()"),
    ("a < !--b", "a< !--b"),
    ("a-- > b", "a-- >b"),
    ("a < /script/.b", "a< /script/.b"),
    ("a / /b/.c", "a/ /b/.c"),
    ("/a/ in b", "/a/ in b"),
    ("typeof 1", "typeof 1"),
)


@pytest.mark.parametrize("script", LITERALS)
def test_literals_keep_their_blanks(script: str) -> None:
    assert minify_script(script) == script
    assert minify_script(f"  // one's\n{script} /* `two */ // three\n") == script


@pytest.mark.parametrize(("script", "expected"), [*SHORTER, *LINES_THAT_END, *KEPT_APART])
def test_what_is_left_of_a_script(script: str, expected: str) -> None:
    assert minify_script(script) == expected


@pytest.mark.parametrize(
    "script", ["a  =  `open", "a  =  'open", "a  =  }", "a  =  (", "a  =  `${b", "/* open  '"]
)
def test_what_is_no_script_is_left_as_it_is(script: str) -> None:
    assert minify_script(script) == script


def test_every_script_stays_the_same_program(web_tools: Path, tmp_path: Path) -> None:
    pieces = [*LITERALS, *(pair[0] for pair in (*SHORTER, *LINES_THAT_END, *KEPT_APART))]
    # Some pieces stand inside a function only.
    scripts = [f"(() => {{\n{piece}\n}})();\n" for piece in pieces]
    scripts += [(builtin_folder() / name).read_text(encoding="utf-8") for name in SCRIPTS]
    files = []
    for number, script in enumerate(scripts):
        before, after = tmp_path / f"{number}-before.js", tmp_path / f"{number}-after.js"
        before.write_text(script, encoding="utf-8")
        after.write_text(minify_script(script), encoding="utf-8")
        assert after.stat().st_size < before.stat().st_size
        files += [before, after]
    found = subprocess.run(
        ["node", web_tools.parent / "same_script.cjs", *files],  # noqa: S607 - of the reader
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


# -- style sheets ----------------------------------------------------------------------------

STYLE_CASES = (
    ("a {\n  color: red;\n}\n\nb { }\n", "a{color:red}b{}"),
    ("/* one */ a /* two */ { /* ; } */ b: c /* three */; /* four */ }", "a{b:c}"),
    ("a { b: c; /* d */ e: f; } /* g */ } h {}", "a{b:c;e:f}}h{}"),
    (".a .b, .c > .d + .e ~ .f {}", ".a .b,.c>.d+.e~.f{}"),
    (".a :hover, .a:hover :is( .b, .c ) .d {}", ".a :hover,.a:hover :is(.b,.c) .d{}"),
    (".a/**/.b {}", ".a/**/.b{}"),
    ("a { width: calc(1px + 2px*( 3 - 1 )); }", "a{width:calc(1px + 2px*(3 - 1))}"),
    (
        "@media (width < 40rem) and (hover) { a { b: c !important; } }",
        "@media (width<40rem) and (hover){a{b:c!important}}",
    ),
    (
        """a::before { content: "  ;  /* } \\"  "; b: '\\'  ' }""",
        """a::before{content:"  ;  /* } \\"  ";b:'\\'  '}""",
    ),
    ("a { b: url(data:x;  y) url('  z  ') }", "a{b:url(data:x;  y) url('  z  ')}"),
    (".a\\'b  .c\\\"d {}", ".a\\'b .c\\\"d{}"),
    ("[a='b' i] {}", "[a=b i]{}"),
    ("a { --b: 1px 2px; --c:; font: 1px / 2 'd', e }", "a{--b:1px 2px;--c:;font:1px/2 'd',e}"),
)

RULES = """(text) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  // What holds a var() is kept as it was written.
  return [...sheet.cssRules].map((rule) => rule.cssText.replace(/\\s*([,()/])\\s*/g, "$1"));
}"""


@pytest.mark.parametrize(("style", "expected"), STYLE_CASES)
def test_what_is_left_of_a_style_sheet(style: str, expected: str) -> None:
    assert minify_style(style) == expected
    assert minify_style(expected) == expected


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", [*STYLES, "cases"])
def test_a_style_sheet_keeps_its_rules(name: str, page: Page) -> None:
    if name == "cases":
        style = "\n".join(case for case, _ in STYLE_CASES)
    else:
        style = (builtin_folder() / name).read_text(encoding="utf-8")
    before = page.evaluate(RULES, style)
    assert before
    assert page.evaluate(RULES, minify_style(style)) == before


# -- templates -------------------------------------------------------------------------------


def rendered(template: str, **values: object) -> str:
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, extensions=[Dedent]
    )
    return environment.from_string(template).render(values)


def test_indentation_of_a_template_goes() -> None:
    template = """  <ul>
      {% for item in items %}
        <li>{{ item }} {% if item > 1
            %} and{% endif %}</li>

      {% endfor %}
    </ul>
"""
    assert rendered(template, items=[1, 2]) == "<ul>\n<li>1 </li>\n<li>2  and</li>\n</ul>"


def test_no_value_is_touched() -> None:
    value = "a\n   b\n\n\n  c"
    template = '<p title="{{ value }}">\n  {{ value }}\n  <b>{{ value }}</b></p>'
    expected = f'<p title="{value}">\n{value}\n<b>{value}</b></p>'
    assert rendered(template, value=value) == expected


def test_elements_with_lines_of_their_own_keep_them() -> None:
    template = (
        "<div>\n  <pre>\n  {{ a }}\n    <b>\n</b></PRE>\n  <p>\n  <textarea>\n\n  x</textarea>\n"
        "  <style>\n  a\n</style>\n  <script>\n  `\n  <pre>\n  `</script>\n"
        "  <predicate>\n  </pre>\n  ."
    )
    expected = (
        "<div>\n<pre>\n  1\n    <b>\n</b></PRE>\n<p>\n<textarea>\n\n  x</textarea>\n"
        "<style>\n  a\n</style>\n<script>\n  `\n  <pre>\n  `</script>\n<predicate>\n</pre>\n."
    )
    assert rendered(template, a=1) == expected


def test_a_line_of_a_failing_template_is_still_told() -> None:
    environment = jinja2.Environment(autoescape=True, extensions=[Dedent])
    with pytest.raises(jinja2.TemplateSyntaxError) as caught:
        environment.from_string("<p>\n\n\n   {% if %}")
    assert caught.value.lineno == 4
