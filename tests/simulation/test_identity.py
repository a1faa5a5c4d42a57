"""Who people are: the same from the same seed, and described by what they wear."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields
from hashlib import sha256

import numpy as np
import pytest

from simulation.captions import Attributes, caption
from simulation.colours import COLOURS
from simulation.identity import Identity, disguised, draw_identity
from simulation.materials import PATTERNS
from simulation.pieces import Slot

SEEDS = range(90)
GRAMMAR = {"a", "an", "and", "with", "hair", "wearing", "over", "the", "person", "carries", "holds", "hand"}
GRAMMAR |= {"to", "ear", "shoes", "face", "mask"}
WORDS_OF = {"female": {"woman", "girl"}, "male": {"man", "boy"}, "child": {"girl", "boy"}}


@pytest.fixture(scope="module")
def people() -> list[Identity]:
    return [draw_identity(seed) for seed in SEEDS]


def words(text: str) -> list[str]:
    return re.findall(r"[a-zA-Z-]+", text)


def visible(attributes: Attributes) -> dict[str, str]:
    """The attributes that a picture shows, as text."""
    unseen = {f.name for f in fields(Attributes) if f.name.split("_")[0] in attributes.hidden}
    values = {f.name: getattr(attributes, f.name) for f in fields(Attributes) if f.name not in unseen}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def slots(identity: Identity) -> set[Slot]:
    return {piece.slot for piece in identity.pieces}


def lowest(identity: Identity, slot: Slot) -> float:
    return min(piece.lowest for piece in identity.pieces if piece.slot == slot)


def same(first: Identity, second: Identity) -> bool:
    arrays = zip(first.pieces, second.pieces, strict=True)
    return (
        first.attributes == second.attributes
        and first.style == second.style
        and first.materials.tobytes() == second.materials.tobytes()
        and first.prints.tobytes() == second.prints.tobytes()
        and all(a.vertices.tobytes() == b.vertices.tobytes() for a, b in arrays)
    )


def test_a_seed_is_one_person(people: Sequence[Identity]) -> None:
    assert all(same(people[seed], draw_identity(seed)) for seed in SEEDS[::20])
    assert not same(people[0], people[1])


def test_captions_and_bodies_are_the_same_in_another_process_with_other_threads(
    people: Sequence[Identity],
) -> None:
    script = (
        "from hashlib import sha256; from simulation.captions import caption\n"
        "from simulation.identity import draw_identity\n"
        f"for seed in {[*SEEDS[::25]]}:\n"
        "    person = draw_identity(seed)\n"
        "    bodies = b''.join(piece.vertices.tobytes() for piece in person.pieces)\n"
        "    print(sha256(bodies).hexdigest(), caption(person.attributes))\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"}
    environment["OPENBLAS_CORETYPE"] = "Prescott"  # kernels without fused multiply-add
    command = [sys.executable, "-c", script]
    other = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)

    bodies = [b"".join(piece.vertices.tobytes() for piece in person.pieces) for person in people[::25]]
    assert other.stdout.splitlines() == [
        f"{sha256(body).hexdigest()} {caption(person.attributes)}"
        for body, person in zip(bodies, people[::25], strict=True)
    ]


def test_every_word_of_a_caption_is_justified(people: Sequence[Identity]) -> None:
    for person in people:
        a = person.attributes
        shown = visible(a)
        allowed = GRAMMAR | {word for value in shown.values() for word in words(value)}
        allowed |= WORDS_OF[a.gender] if a.age != "child" else WORDS_OF["child"] & WORDS_OF[a.gender]
        said = words(caption(a)[0].lower() + caption(a)[1:])

        assert [word for word in said if word not in {*allowed, "The"}] == [], caption(a)


def test_a_caption_says_whatever_can_be_seen(people: Sequence[Identity]) -> None:
    for person in people:
        a, said = person.attributes, caption(person.attributes)
        assert ("carries" in said) == (a.bag is not None)
        assert ("face mask" in said) == a.mask
        assert ("hand to the ear" in said) == a.phone
        assert a.hat is None or a.hat in said
        assert a.outer is None or f"{a.outer_colour} {a.outer}" in said
        assert ("top" in a.hidden) == (f" {a.top}" not in said)
        if a.bottom != "dress":
            assert ("bottom" in a.hidden) == (a.bottom not in said)


def test_attributes_name_the_pieces_that_are_there(people: Sequence[Identity]) -> None:
    for person in people:
        a, worn = person.attributes, slots(person)
        assert {Slot.SKIN, Slot.SHOES, Slot.TOP} <= worn
        assert (Slot.OUTER in worn) == (a.outer is not None)
        assert (Slot.BAG in worn) == (a.bag is not None)
        assert (Slot.HAT in worn) == (a.hat is not None)
        assert (Slot.BOTTOM in worn) == (a.bottom != "dress")
        assert a.hair != "bald" or Slot.HAIR not in worn
        assert a.height_m == pytest.approx(person.shape.stature, abs=0.006)
        assert (a.gender == "female") == person.shape.female


def test_garments_are_as_long_as_their_names_say(people: Sequence[Identity]) -> None:
    ranges = {
        "trousers": (-0.85, -0.60),
        "jeans": (-0.85, -0.60),
        "leggings": (-0.85, -0.55),
        "shorts": (-0.50, -0.15),
        "short skirt": (-0.50, -0.20),
        "long skirt": (-0.75, -0.43),
    }
    for person in people:
        if person.attributes.bottom != "dress":
            low, high = ranges[person.attributes.bottom]
            assert low < lowest(person, Slot.BOTTOM) < high, person.attributes
        if person.attributes.outer == "coat":
            assert lowest(person, Slot.OUTER) < -0.22


def test_colours_and_patterns_are_those_of_the_materials(people: Sequence[Identity]) -> None:
    for person in people:
        a = person.attributes
        for slot, colour in ((Slot.TOP, a.top_colour), (Slot.SHOES, a.shoes_colour)):
            srgb = person.materials[slot, 0, :3] ** (1 / 2.2) * 255
            assert np.abs(srgb - COLOURS[colour]).max() < 70, (a, slot)
        assert person.materials[Slot.TOP, 0, 3] == PATTERNS[a.top_pattern][0]
        if a.bottom == "jeans":
            assert person.materials[Slot.BOTTOM, 0, 3] == PATTERNS["denim"][0]
        elif a.bottom_pattern != "plain":
            assert person.materials[Slot.BOTTOM, 0, 3] == PATTERNS[a.bottom_pattern][0]


def test_look_alikes_wear_the_same_on_another_body(people: Sequence[Identity]) -> None:
    for person in people[:10]:
        twin = draw_identity(
            person.seed + 1000, outfit=person.seed, prints=person.seed, female=person.shape.female
        )
        of = ("top", "top_colour", "top_pattern", "bottom", "bottom_colour", "shoes_colour", "outer_colour")

        assert [getattr(twin.attributes, name) for name in of] == [
            getattr(person.attributes, name) for name in of
        ]
        assert twin.prints.tobytes() == person.prints.tobytes()
        assert not np.array_equal(twin.shape.vertices, person.shape.vertices)


def test_another_print_is_all_that_tells_two_people_in_one_outfit_apart(people: Sequence[Identity]) -> None:
    twin = draw_identity(5000, outfit=people[0].seed, female=people[0].shape.female)

    assert twin.attributes.top_colour == people[0].attributes.top_colour
    assert twin.prints.tobytes() != people[0].prints.tobytes()


def test_a_disguise_drops_the_bag_and_opens_or_closes_the_jacket(people: Sequence[Identity]) -> None:
    changed = 0
    for person in people:
        other = disguised(person)
        assert Slot.BAG not in slots(other)
        assert other.attributes.bag is None
        assert "carries" not in caption(other.attributes)
        assert not other.materials[[Slot.TOP, Slot.OUTER], 6, 0].any()
        assert np.array_equal(other.shape.vertices, person.shape.vertices)
        if person.attributes.outer is not None:
            assert ("top" in other.attributes.hidden) != ("top" in person.attributes.hidden)
            changed += 1
    assert changed > 20


def test_who_carries_a_hand_bag_has_the_arm_down(people: Sequence[Identity]) -> None:
    carrying = [person for person in people if person.attributes.bag == "hand bag"]

    assert len(carrying) > 5
    assert all("swing" in (person.style.left_arm, person.style.right_arm) for person in carrying)
