"""One constant for what a script repeats, and the same program with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from programs import assert_the_same_is_said

from reportgen.render.environment import SCRIPTS, asset, make_environment
from reportgen.render.minify import lexemes
from reportgen.render.rename import rename_variables
from reportgen.render.sharing import share_repeated, strict_once

if TYPE_CHECKING:
    from pathlib import Path

LONG = "a.somewhatLong;" * 4
CASES = (
    ("a.somewhatLong;" * 2, None),
    (LONG, 'const shared0="somewhatLong";' + "a[shared0];" * 4),
    (f'"use strict";{LONG}', '"use strict";const shared0="somewhatLong";' + "a[shared0];" * 4),
    ("a?.somewhatLong;" * 4, 'const shared0="somewhatLong";' + "a?.[shared0];" * 4),
    ("1 .somewhatLong;" * 4, 'const shared0="somewhatLong";' + "1 [shared0];" * 4),
    (
        'f("a long text");' * 3 + 'for(;"a long text"in b;)b;typeof"a long text";',
        'const shared0="a long text";' + "f(shared0);" * 3 + "for(;shared0 in b;)b;typeof shared0;",
    ),
    (
        f'{LONG}a={{"somewhatLong":1,somewhatLong:2,b:3}};',
        'const shared0="somewhatLong";'
        + "a[shared0];" * 4
        + 'a={"somewhatLong":1,[shared0]:2,b:3};',
    ),
    (f"{LONG}b=c?somewhatLong:d;somewhatLong:for(;;)continue somewhatLong;", None),
    ("document.a;" * 4, "const shared0=document;" + "shared0.a;" * 4),
    ("document.a;" * 4 + "typeof document;document=1;a.document;", None),
    ("{const document=1;" + "f(document);" * 4 + "}", None),
    (f"{LONG}somewhatLong;new.somewhatLong;[...somewhatLong];`.somewhatLong`;", None),
    (f"{LONG}'somewhatLong';\"somewhat\\Long\";", None),
    (
        "f({somewhatLong},{somewhatLong:b},{somewhatLong=1}=c,somewhatLong);" * 2,
        'const shared0="somewhatLong";'
        + "f({[shared0]:somewhatLong},{[shared0]:b},{[shared0]:somewhatLong=1}=c,somewhatLong);"
        * 2,
    ),
    (
        "a.first.second.third.fourth.fifth.sixth;" * 9 + 'f("two words");' * 9,
        'const[shared1,shared2,shared3,shared4,shared5,shared6]="second fourth first third '
        'fifth sixth".split(" "),shared0="two words";'
        + "a[shared3][shared1][shared4][shared2][shared5][shared6];" * 9
        + "f(shared0);" * 9,
    ),
    (f"{LONG}shared0;", f"{LONG}shared0;"),
    (f"{LONG}(", f"{LONG}("),
)
RUN = (
    (
        'const a={textContent:"x"};'
        "say(a.textContent,a?.textContent,a.textContent.length,a.textContent);"
    ),
    (
        'const made={"a long name":1,get anotherName(){return"a long name"}};'
        'say("a long name"in made,made["a long name"],made.anotherName,typeof"a long name");'
        'say(`${made.anotherName}`,made.anotherName?"a long name":"b",made.anotherName);'
    ),
    'const f=(...values)=>values.join("a long name");say(f(1,2),"a long name",[..."a long name"]);',
    (
        "const a={className:1,other:{className:2}},{className:b,other:{className:c}}=a;"
        "say(a,b,c,{className:a.className},Object.keys(a),Object.entries(a),Object.is(b,c));"
    ),
    "const t=[3,1];say(t.reverse(),t.reverse(),t.reverse()[0],t.reverse(),t.reverse(),t);",
)


@pytest.mark.parametrize(("script", "expected"), CASES)
def test_what_a_script_becomes(script: str, expected: str | None) -> None:
    found = share_repeated(script)
    if expected is None:
        # What stands for something else stays as it is.
        rest = script.removeprefix(LONG) if script.startswith(LONG) else script
        rest = rest.removeprefix("document.a;" * 4)
        assert found.endswith(rest)
    else:
        assert found == expected


def test_strictness_is_said_once() -> None:
    one, other = 'const b=(()=>{"use strict";c()})();', '(()=>{"use strict";d()})();'
    assert strict_once([one, other]) == ('"use strict";const b=(()=>{c()})();\n(()=>{d()})();')
    assert strict_once([one, "d();"]) == f"{one}\nd();"


def test_programs_do_the_same(tmp_path: Path, web_tools: Path) -> None:
    assert web_tools.is_dir()
    runs = [[script, rename_variables(share_repeated(script))] for script in RUN]
    assert all("shared" not in after and after != before for before, after in runs)
    assert all("shared" in share_repeated(script) for script in RUN)
    assert_the_same_is_said(runs, tmp_path)


def test_every_script_is_as_it_was_with_the_constants_put_back() -> None:
    environment = make_environment()
    listed = (*SCRIPTS, "scripts/compare.js")
    before = strict_once([str(asset(environment, name)) for name in listed])
    assert before.startswith('"use strict";')
    assert "use strict" not in before[13:]
    after = share_repeated(before)
    head = re.match(
        r'"use strict";const\[([\w,]+)\]="([^"]*)"\.split\(" "\)((?:,shared\d+=(?:"[^"]*"|\w+))+);',
        after,
    )
    assert head
    constants = dict(re.findall(r'(shared\d+)=("[^"]*"|\w+)', head[3]))
    words = zip(head[1].split(","), head[2].split(" "), strict=True)
    constants.update((name, f'"{word}"') for name, word in words)
    names = {name: value.strip('"') for name, value in constants.items()}
    body = re.sub(
        r"\[(shared\d+)\]:(\w+)(?=[,}=])",
        lambda m: m[2] if names[m[1]] == m[2] else m[0],
        after[head.end() :],
    )
    body = re.sub(r"([{,])\[(shared\d+)\]:", lambda m: f"{m[1]}{names[m[2]]}:", body)
    body = re.sub(r"(\?\.)?\[(shared\d+)\]", lambda m: f"{m[1] or '.'}{names[m[2]]}", body)
    body = re.sub(r"\bshared\d+\b", lambda m: constants[m[0]], body)
    assert [item.text for item in lexemes(body)] == [item.text for item in lexemes(before[13:])]
    assert len(rename_variables(after)) < len(rename_variables(before)) - 3_000
