"""Fewer letters, and the same program."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from programs import assert_the_same_is_said

from reportgen.render.compact import compact
from reportgen.render.environment import SCRIPTS, asset, make_environment
from reportgen.render.rename import rename_variables
from reportgen.render.sharing import share_repeated, strict_once

if TYPE_CHECKING:
    from pathlib import Path

CASES = (
    ("const a=true;f(!a,false);", "let a=!0;f(!a,!1);"),
    ("f({true:1,false(){}},a.true,true.a,a?b:c,true?.a);", None),
    ("a?true:false;", "a?!0:!1;"),
    ("if(a){f()}else{g();}h();", "a?f():g();h();"),
    ("if(a){f();g()}if(b){let c=1}if(d){if(e)f()}else{h();g()}while(a){}", None),
    ("if(a.b){f()}if(!a){f();}if(a===1&&b){f(c=2)}", "a.b&&f();!a&&f();a===1&&b&&f(c=2);"),
    ("if(a||b){f()}else{c=1}if(a?.b){f()}else{g()}", "a||b?f():c=1;a?.b?f():g();"),
    (
        "if(a){b=1}if(a||b){f()}if(a?b:c){f()}else{g()}",
        "if(a)b=1;if(a||b)f();if(a?b:c)f();else g();",
    ),
    (
        "if(a){f()||g()}if(a=b){f()}if(a){b>>=1}if(a){b>>1}",
        "if(a)f()||g();if(a=b)f();if(a)b>>=1;a&&b>>1;",
    ),
    (
        "if(a){return}if(a){throw b}if((a)){f()}if(a){(f)()}",
        "if(a){return}if(a)throw b;if(a)f();a&&(f)();",
    ),
    ("if(a){f()}else if(b){g()}else{h()}", "if(a)f();else b?g():h();"),
    (
        "f(...(a?b:c));g=(a?b:c);h===(a?b:c);d=(a,b);e=>({});",
        "f(...a?b:c);g=a?b:c;h===(a?b:c);d=(a,b);e=>({});",
    ),
    (";void f();a=void f();if(b){void g()}", "; f();a=void f();b&&g();"),
    ("(()=>{function f(a){return a+1}f(2)})();", "(()=>{let f=(a)=>a+1;f(2)})();"),
    ("(()=>{f();async function f(){await g()}})();", "(()=>{let f=async()=>{await g()};f();})();"),
    ("(()=>{function f(){return{a:1}}f()})();", "(()=>{let f=()=>({a:1});f()})();"),
    ("(()=>{function f(){return 1,2}f()})();", "(()=>{let f=()=>(1,2);f()})();"),
    ("(()=>{function f(){return this}function*g(){}function h(){arguments}})();", None),
    ("(()=>{function F(){return 1}new F()})();", None),
    ("(f)=>{function f(){}};function g(){}", None),
    ("(()=>{function f(){}function f(){}})();", None),
    ("(()=>{const a={}\nfunction f(){}\n(b)})();", "(()=>{let a={}\nfunction f(){}\n(b)})();"),
    ("a=(b);c((d.e[1](2)),(f+1),(g)=>1,(h?.i).j);", "a=b;c(d.e[1](2),f+1,(g)=>1,(h?.i).j);"),
    ("new(a.b())(c);return(d);a=b*(c);", None),
    ("a=0.5+10.5+0.toFixed+b.a0;", "a=.5+10.5+0.toFixed+b.a0;"),
    ("function f(", "function f("),
)
RUN = (
    (
        "(()=>{say(f(2));const two=2;function f(x){return g(x)+two0()}function g(x){return x}"
        "function two0(){return 1}})();"
    ),
    (
        "(()=>{function even(n){return n?odd(n-1):true}function odd(n){return n?even(n-1):false}"
        "say(even(4),odd(4))})();"
    ),
    "(()=>{function f({a=1,b:[c]=[2]}={},...rest){return[a,c,rest]}say(f(),f({a:3},4))})();",
    (
        "const f=(a)=>{if(a){say(1)}else if(a===0){say(2)}else{say(3)}for(const b of[1,2]){say(b)}"
        "let n=2;while(n){n--}say(n)};f(1);f(0);f();"
    ),
    "const f=()=>{for(const a of[1,2,3]){if(a===2){continue}say(a)}if(true){return}say(9)};f();",
    (
        "const f=(a,b)=>{if(a){say(a)}if(!a){say(1)}else if(b){a=b}else{say(b)}if(a||b){say(2)}"
        "if(a===b&&b){say([...(a?[a]:[])])}const g=(c)=>(c?1:2);say(g((a)),(b?a:0),a===(b?1:2));"
        "for(const c of[a,b]){if(c){say(c)}else{a=c}}void say(a)};f(0,0);f(0,2);f(1,1);f(1,0);"
    ),
    "(()=>{const list=[1,2].map((x)=>{function up(y){return y+x}return up(x)});say(list)})();",
)


@pytest.mark.parametrize(("script", "expected"), CASES)
def test_what_a_script_becomes(script: str, expected: str | None) -> None:
    found = compact(script)
    assert found == (script if expected is None else expected)


def test_programs_do_the_same(tmp_path: Path, web_tools: Path) -> None:
    assert web_tools.is_dir()
    runs = [[one, compact(one), rename_variables(share_repeated(compact(one)))] for one in RUN]
    assert all(len(after) < len(before) for before, after, _ in runs)
    assert_the_same_is_said(runs, tmp_path)


def test_every_script_is_shorter_and_still_one(tmp_path: Path, web_tools: Path) -> None:
    assert web_tools.is_dir()
    environment = make_environment()
    before = strict_once([str(asset(environment, name)) for name in SCRIPTS])
    after = compact(before)
    assert len(after) < len(before) - 1_000
    (tmp_path / "page.js").write_text(rename_variables(share_repeated(after)), encoding="utf-8")
    subprocess.run(["node", "--check", tmp_path / "page.js"], check=True)  # noqa: S607
