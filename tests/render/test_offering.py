"""What a part of the scripts offers has names of its own, and the program is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from programs import assert_the_same_is_said

from reportgen.render.compact import compact
from reportgen.render.environment import SCRIPTS, asset, make_environment
from reportgen.render.offering import name_offers
from reportgen.render.rename import rename_variables
from reportgen.render.sharing import share_repeated, strict_once

if TYPE_CHECKING:
    from pathlib import Path

MADE = "const m=(()=>{const a=1;function b(){return 2}return{a,b}})();"
NAMED = "const[m_a,m_b]=(()=>{const a=1;function b(){return 2}return[a,b]})();"
CASES = (
    (f"{MADE}f(m.a,m.b());", f"{NAMED}f(m_a,m_b());"),
    (
        "const m=(()=>{return{a:f(1,2),b:()=>3}})();m.b();",
        "const[m_a,m_b]=(()=>{return[f(1,2),()=>3]})();m_b();",
    ),
    ("const m=(()=>{return{a}})();m.a;", "const m_a=(()=>{return a})();m_a;"),
    # It replaces the name that a block takes a member by, unless something there has that too.
    (
        f"{MADE}{{const{{a,b:c}}=m;f(a,c,{{a}},{{c:a}},x.a)}}",
        f"{NAMED}{{f(m_a,m_b,{{a:m_a}},{{c:m_a}},x.a)}}",
    ),
    (f"{MADE}{{const{{a}}=m;f(a,a=>a)}}", f"{NAMED}{{const a=m_a;f(a,a=>a)}}"),
    (f"{MADE}{{const c=1,{{a}}=m,d=2}}", f"{NAMED}{{const c=1, a=m_a,d=2}}"),
    # What else is done with the object needs it.
    *(
        (f"{MADE}{use}", None)
        for use in (
            "f(m);",
            "f(m?.a);",
            "f(m.c);",
            "m.a=2;",
            "m.a++;",
            "m.a+=1;",
            "f({m});",
            "f(m[x]);",
            "const{c}=m;",
            "const{a=1}=m;",
            "const{...rest}=m;",
            "m_a;",
        )
    ),
    ("const m=(()=>{if(x)return null;return{a:1}})();m.a;", None),
    ("const m=(()=>{return{a(){}}})();m.a();", None),
    ("const m=(()=>{return{...x}})();m.a;", None),
    ("const m=(()=>{return{a};f()})();m.a;", None),
    ("const m=(", None),
)
RUN = (
    (
        "const m=(()=>{let n=0;const up=()=>++n;return{up,twice:(x)=>2*x,n}})();"
        "say(m.up(),m.up(),m.twice(4),m.n);"
    ),
    (
        "const m=(()=>{const f=()=>{return{a:1}};return{f,g:f()}})();"
        "(()=>{const{f,g:h}=m;say(f(),h,{f:h},{h})})();"
    ),
    "const m=(()=>({a:1}))(),n=(()=>{return{b:2}})();say(m.a,n.b);",
)


@pytest.mark.parametrize(("script", "expected"), CASES)
def test_what_a_script_becomes(script: str, expected: str | None) -> None:
    assert name_offers(script) == (script if expected is None else expected)


def test_programs_do_the_same(tmp_path: Path, web_tools: Path) -> None:
    assert web_tools.is_dir()
    runs = [
        [one, name_offers(one), rename_variables(share_repeated(compact(name_offers(one))))]
        for one in RUN
    ]
    assert sum(named != before for before, named, _ in runs) == len(RUN) - 1
    assert_the_same_is_said(runs, tmp_path)


def test_every_part_but_one_is_named() -> None:
    environment = make_environment()
    whole = strict_once([str(asset(environment, name)) for name in SCRIPTS])
    found = name_offers(whole)
    assert "imageRows_percent(" in found
    assert "imageRows." not in found
    assert "viewerPanels." not in found
