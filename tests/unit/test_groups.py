"""Built-in groups against torchvision's own names, and reading a list of classes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from torchvision.models import AlexNet_Weights

from reportgen.errors import TargetError
from reportgen.groups import GROUPS, builtin_group, is_imagenet, parse_members

IMAGENET: tuple[str, ...] = tuple(AlexNet_Weights.DEFAULT.meta["categories"])

OWN = ("tench", "Cardigan", "Cardigan, Welsh corgi", "crane", "tabby cat", "Crane", "42", "x, y, z")

RUNS = {
    "dogs": ["Chihuahua", "Mexican hairless"],
    "cats": ["tabby", "Egyptian cat"],
    "wild-cats": ["cougar", "cheetah"],
    "wolves": ["timber wolf", "red wolf"],
    "wild-dogs": ["coyote", "African hunting dog"],
    "foxes": ["red fox", "grey fox"],
    "bears": ["brown bear", "sloth bear"],
    "apes": ["orangutan", "siamang"],
    "monkeys": ["guenon", "squirrel monkey"],
    "primates": ["orangutan", "indri"],
    "elephants": ["tusker", "tusker", "Indian elephant", "African elephant"],
    "hoofed-animals": ["sorrel", "llama"],
    "cattle": ["ox", "bison"],
    "pigs": ["hog", "warthog"],
    "rodents": ["hamster", "guinea pig"],
    "rabbits": ["wood rabbit", "Angora"],
    "sea-mammals": ["grey whale", "sea lion"],
    "birds": ["cock", "great grey owl", "black grouse", "black swan", "white stork", "albatross"],
    "parrots": ["African grey", "lorikeet"],
    "fish": ["tench", "stingray", "barracouta", "puffer"],
    "sharks": ["great white shark", "hammerhead"],
    "reptiles": ["loggerhead", "sidewinder"],
    "snakes": ["thunder snake", "sidewinder"],
    "lizards": ["banded gecko", "Komodo dragon"],
    "turtles": ["loggerhead", "box turtle"],
    "crocodiles": ["African crocodile", "American alligator"],
    "amphibians": ["European fire salamander", "tailed frog"],
    "frogs": ["bullfrog", "tailed frog"],
    "spiders": ["black and gold garden spider", "wolf spider"],
    "insects": ["tiger beetle", "lycaenid"],
    "beetles": ["tiger beetle", "weevil"],
    "butterflies": ["admiral", "lycaenid"],
    "crabs": ["Dungeness crab", "king crab", "hermit crab", "hermit crab"],
    "mushrooms": ["mushroom", "mushroom", "coral fungus", "bolete"],
    "flowers": ["daisy", "yellow lady's slipper"],
    "fruit": ["Granny Smith", "pomegranate"],
    "vegetables": ["head cabbage", "cardoon"],
}
"""First and last name of every run of classes that follow each other."""

SINGLE = {
    "cars": "beach wagon, cab, convertible, jeep, limousine, minivan, Model T, racer, sports car",
    "trucks": "fire engine, garbage truck, moving van, pickup, tow truck, trailer truck",
    "buses": "minibus, school bus, trolleybus",
    "trains": "bullet train, electric locomotive, freight car, passenger car, steam locomotive, "
    "streetcar",
    "boats": "aircraft carrier, canoe, catamaran, container ship, fireboat, gondola, lifeboat, "
    "liner, pirate, schooner, speedboat, trimaran, yawl",
    "aircraft": "airliner, airship, balloon, warplane",
    "bicycles": "bicycle-built-for-two, mountain bike",
    "musical-instruments": "accordion, acoustic guitar, banjo, bassoon, cello, chime, cornet, "
    "drum, electric guitar, flute, French horn, gong, grand piano, harmonica, harp, maraca, "
    "marimba, oboe, ocarina, organ, panpipe, sax, steel drum, trombone, upright, violin",
    "balls": "baseball, basketball, croquet ball, golf ball, ping-pong ball, rugby ball, "
    "soccer ball, tennis ball, volleyball",
    "bottles": "beer bottle, pill bottle, pop bottle, water bottle, wine bottle",
    "cups": "coffee mug, cup",
    "chairs": "barber chair, folding chair, rocking chair, throne",
    "clocks": "analog clock, digital clock, wall clock",
    "computers": "desktop computer, hand-held computer, laptop, notebook",
    "shoes": "clog, cowboy boot, Loafer, running shoe, sandal",
}
"""Every name of the groups that lie scattered."""


def reason(text: str, categories: tuple[str, ...] = OWN) -> str:
    with pytest.raises(TargetError) as caught:
        parse_members(text, categories)
    message = str(caught.value)
    assert message.startswith("--target: ")
    return message


def test_every_group_is_checked_below() -> None:
    assert set(GROUPS) == RUNS.keys() | SINGLE.keys()
    assert all(list(classes) == sorted(set(classes)) for classes in GROUPS.values())


@pytest.mark.parametrize("group", RUNS)
def test_first_and_last_of_every_run(group: str) -> None:
    classes = GROUPS[group]
    starts = [classes[0], *(b for a, b in pairwise(classes) if b != a + 1)]
    ends = [*(a for a, b in pairwise(classes) if b != a + 1), classes[-1]]
    ranges = zip(starts, ends, strict=True)
    assert [IMAGENET[index] for pair in ranges for index in pair] == RUNS[group]


@pytest.mark.parametrize("group", SINGLE)
def test_every_name_of_a_scattered_group(group: str) -> None:
    assert ", ".join(IMAGENET[index] for index in GROUPS[group]) == SINGLE[group]


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("dogs", ["tiger cat", "dingo", "timber wolf", "hotdog", "dogsled"]),
        ("cats", ["Madagascar cat", "lynx", "grey fox"]),
        ("birds", ["centipede", "tusker", "birdhouse", "grey whale"]),
        ("aircraft", ["plane", "wing", "aircraft carrier", "space shuttle"]),
        ("snakes", ["triceratops", "trilobite"]),
        ("spiders", ["tick", "scorpion", "spider monkey", "spider web"]),
        ("cars", ["freight car", "passenger car", "car mirror", "go-kart"]),
    ],
)
def test_what_only_looks_like_a_member(group: str, names: list[str]) -> None:
    assert not {IMAGENET.index(name) for name in names} & set(GROUPS[group])


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("dogs", "dogs"),
        ("@Dog", "dogs"),
        (" @DOGS ", "dogs"),
        ("@wolf", "wolves"),
        ("@fox", "foxes"),
        ("@bus", "buses"),
        ("@butterfly", "butterflies"),
        ("@fishes", "fish"),
        ("@fruits", "fruit"),
        ("@wild_cat", "wild-cats"),
        ("@wild cats", "wild-cats"),
        ("@WildCats", "wild-cats"),
        ("@musical instrument", "musical-instruments"),
    ],
)
def test_a_group_by_any_of_its_names(name: str, group: str) -> None:
    assert builtin_group(name, IMAGENET) == GROUPS[group]


def test_no_two_groups_answer_to_one_name() -> None:
    for group, classes in GROUPS.items():
        assert builtin_group(group, IMAGENET) == classes


def test_an_unknown_group() -> None:
    with pytest.raises(TargetError, match="--target: there is no built-in group '@dgos'") as caught:
        builtin_group("@dgos", IMAGENET)
    assert "Did you mean 'dogs'" in str(caught.value)
    assert "@dogs, @cats, @wild-cats" in str(caught.value)


def test_groups_are_for_imagenet_only() -> None:
    assert is_imagenet(IMAGENET)
    assert is_imagenet([f"{name}, {name} too" for name in IMAGENET])
    assert not is_imagenet(IMAGENET[:999])
    assert not is_imagenet([*IMAGENET, "background"])
    assert not is_imagenet(["background", *IMAGENET[:999]])
    assert not is_imagenet([f"class {index}" for index in range(1000)])
    with pytest.raises(TargetError, match="but this model has 8 classes") as caught:
        builtin_group("cats", OWN)
    assert '"cat=tabby,tiger cat"' in str(caught.value)


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("tench", (0,)),
        (" TENCH , tabby cat", (0, 4)),
        ("4,0", (4, 0)),
        ("1-3", (1, 2, 3)),
        ("1 - 3", (1, 2, 3)),
        ("1–3,2,tench,2-4", (1, 2, 3, 0, 4)),
        ("3-3", (3,)),
        ("42", (6,)),  # the name of a class comes before an index
        ("cardigan", (1,)),
        ("Cardigan, Welsh corgi", (2,)),
        ("cardigan,welsh corgi,tench", (2, 0)),
        ("Cardigan,tench", (1, 0)),
        ("tench,cardigan,Cardigan , welsh corgi", (0, 1, 2)),
        ("x,y,z", (7,)),
        ("tench,x, Y ,z,0", (0, 7)),
    ],
)
def test_members(text: str, classes: tuple[int, ...]) -> None:
    assert parse_members(text, OWN) == classes


def test_the_longest_run_of_parts_counts() -> None:
    categories = ("x", "x, y", "x, y, z")
    assert parse_members("x, y, z", categories) == (2,)
    assert parse_members("x, y, x", categories) == (1, 0)
    assert parse_members("x, x, y", categories) == (0, 1)


def test_members_of_imagenet() -> None:
    assert parse_members("@cats", IMAGENET) == (281, 282, 283, 284, 285)
    mixed = (282, 281, 283, 284, 285, 287, 7)
    assert parse_members("tiger cat,@cat, lynx,281-282,7", IMAGENET) == mixed
    assert parse_members("151-268", IMAGENET) == GROUPS["dogs"]
    assert "264, 474" in reason("cardigan", IMAGENET)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "at least one class"),
        ("  ", "at least one class"),
        ("tench,", "nothing between two commas"),
        ("tench,,42", "nothing between two commas"),
        ("crane", "'crane' is the name of 2 classes. Give the index instead: 3, 5."),
        ("tabby act", "there is no class 'tabby act' in this model. Did you mean 'tabby cat'"),
        ("x, y", "there is no class 'x' in this model"),
        ("8", "'8' goes beyond the classes of this model, which has 8: 0 to 7."),
        ("6-8", "'6-8' goes beyond"),
        ("5-3", "'5-3' runs backwards. Give the smaller index first: 3-5."),
        ("-3", "there is no class '-3'"),
        ("@cats", "ImageNet's 1,000 classes"),
        ("@gibberish", "no built-in group '@gibberish'"),
        ("@", "no built-in group '@'"),
    ],
)
def test_members_that_do_not_fit(text: str, part: str) -> None:
    assert part in reason(text)
