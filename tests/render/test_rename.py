"""Short names for the variables of a script, and nothing else changed by them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from programs import assert_the_same_is_said

from reportgen.render.environment import SCRIPTS, asset, make_environment
from reportgen.render.rename import rename_variables

if TYPE_CHECKING:
    from pathlib import Path

CASES = (
    ("const long=1;f(long);", "const a=1;f(a);"),
    ("const long={b:1};f({long},{long:2});", "const a={b:1};f({long:a},{long:2});"),
    ("const{long,other:[word=long]=[]}=f();g(long+long+word+word);", None),
    ("const{long=1,...others}=f;g(long,long,long,others);", None),
    ("const key=f();g({[key]:1,key:key,get key(){return key},key(){},'key':1});", None),
    ("const long=1;f(`${g`long ${long} ${`${{long}.long}`}`} long`,long,long,long);", None),
    ("const long=/long/g;f(long,/[/]long/.test(long),a/long/long);", None),
    ("const other=1;long:for(const long of f)if(long)continue long;else g(other,other);", None),
    ("const f=(long=1,{long:other=long,...rest}={},[item]=[])=>other+long+rest+item;", None),
    ("try{f()}catch{g()}try{f()}catch(error){g(error,error)}", None),
    ("{const name=1;f(name,name)}g(name);", "{const name=1;f(name,name)}g(name);"),
    ("const f=(window)=>window.a;g(window);", None),
    ("class Long{size=size;static long(){const size=1;return size}}const size=2;f(size);", None),
    ("const long=1?{long:2}:{other:3};f(long?.other,long?.5:long,long??long);", None),
    ("const f=a?(long)=>({long}):async(other)=>{await other;return{other}};", None),
    ("(function(){function outer(inner){return inner?outer(inner-1):0}return outer(3)})();", None),
    ("const one=1;const two=2;let three=3;let four=one+two+three;f(four,four);", None),
    ("for(let index=0,total=3;index<total;index++){const item=index;f(item,total)}", None),
    ("function f(){for(const long of a)if(long);while(f());if(b){c()}\nreturn()=>{d()}\n}", None),
    ("const f=function(){return 1}\n(1);const g=()=>{}\nh(1);", None),
    ("switch(long){case long:{const other=1;f(other,other)}default:g({other:1})}", None),
    (
        "const length=1;eval('length');f(length,length);",
        "const length=1;eval('length');f(length,length);",
    ),
    ("const l\\u006fng=1;f(long);", "const l\\u006fng=1;f(long);"),
    ("with(a){const long=1;f(long,long)}", "with(a){const long=1;f(long,long)}"),
    ("const long=(", "const long=("),
)


@pytest.mark.parametrize(("script", "expected"), CASES)
def test_what_a_script_becomes(script: str, expected: str | None) -> None:
    found = rename_variables(script)
    assert expected is None or found == expected
    assert len(found) <= len(script)
    assert rename_variables(script) == found


RUN = (
    # What a program says is what its values are.
    "const long={long:1};const{long:other=5,missing=7}=long;say(other,missing,{other,missing});",
    "{const name=1;say(name)}say(typeof name,typeof a,typeof b);",
    (
        "const first=1;{const second=2;{const third=3;say(first,second,third)}say(first,second)}"
        "{const fourth=4;const fifth=5;say(first,fourth,fifth)}"
    ),
    (
        "function outer(value){const twice=value*2;return(other)=>{const sum=twice+other;return{sum,twice}}}"  # noqa: E501 - one program
        "say(outer(2)(3),[1,2].map((value)=>outer(value)(value)));"
    ),
    "var early=say(typeof early,typeof inner);{function inner(){return early}}say(inner());",
    (
        "const pick=({name:called='x',sizes:[width,height=9]=[4]}={})=>({called,width,height});"
        "say(pick(),pick({name:'y',sizes:[1,2]}));"
    ),
    (
        "const key='k';const made={[key]:key,key,get size(){return key},go(key){return key}};"
        "say(made,made.size,made.go(3));"
    ),
    (
        "outer:for(const outer of[1,2,3]){for(const inner of[1,2]){if(inner===outer)continue outer;"
        "say(outer,inner)}}"
    ),
    "let total=0;for(let index=0,most=4;index<most;index++)total+=index;say(total);",
    "const text=`a ${`b ${[1,2].map((item)=>`${item}`).join(`${'}'}`)} c`} d`;say(text,text.length);",  # noqa: E501 - one program
    (
        "class Box{width=3;#height=4;static count=1;area(factor){const width=this.width;"
        "return factor*width*this.#height}}const box=new Box();say(box.area(2),Box.count);"
    ),
    "try{throw{code:3}}catch({code,other=4}){say(code,other)}try{throw 1}catch{say('none')}",
    "const after=(a)=>{if(a){say(1)}\nelse{say(2)}\nfor(const b of[a])say(b);while(a-->1);say(a)};after(2);",  # noqa: E501 - one program
    "const call=async(value)=>{const got=await value;return got};say(typeof call(1));",
    (
        "const g=(unused,index)=>{const value=index+1;return value*value};say(g(0,2));"
        "try{throw 1}catch(unused){const other=2;say(other,other,other)}"
    ),
    "const numbers=[1,2,3,];const sum=numbers.reduce((left,right)=>left+right,);say(sum,numbers);",
    "const a=1,longer=2;const f=(b)=>(longer)=>a+b+longer;say(f(2)(3),longer,4/longer/a,/a/g.test('a'));",  # noqa: E501 - one program
)


def test_programs_do_the_same(tmp_path: Path, web_tools: Path) -> None:
    assert web_tools.is_dir()
    runs = [[script, rename_variables(script)] for script in RUN]
    assert (
        sum(after != before for before, after in runs) >= len(RUN) - 2
    )  # two have names of the window
    assert_the_same_is_said(runs, tmp_path)


def test_scripts_stay_the_same_but_for_names(tmp_path: Path, web_tools: Path) -> None:
    environment = make_environment()
    names = (*SCRIPTS, "scripts/compare.js")
    texts = [str(asset(environment, name)) for name in names]
    files = []
    for number, before in enumerate(["\n".join(texts), *RUN]):
        after = rename_variables(before)
        assert len(after) <= len(before)
        for kind, text in (("before", before), ("after", after)):
            files.append(tmp_path / f"{number}-{kind}.js")
            files[-1].write_text(text, encoding="utf-8")
    found = subprocess.run(
        ["node", web_tools.parent / "same_script.cjs", "--names", *files],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout + found.stderr) == (0, "")
