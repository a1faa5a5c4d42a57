"""Visible attributes of a person, and their description in words."""

from dataclasses import asdict, dataclass

from simulation.body import Shape
from simulation.gait import GaitStyle


@dataclass(frozen=True)
class Attributes:
    """Visible attributes of a person; None where there is nothing."""

    gender: str
    age: str  # child, young adult, adult, elderly
    height_m: float
    build: str  # slim, average, heavy
    hair: str
    top: str
    top_colour: str
    top_pattern: str
    bottom: str
    bottom_colour: str
    bottom_pattern: str
    shoes_colour: str
    outer: str | None = None
    outer_colour: str | None = None
    bag: str | None = None
    bag_colour: str | None = None
    hat: str | None = None
    mask: bool = False
    phone: bool = False  # a hand held to the ear
    extras: tuple[str, ...] = ()  # what else is worn: "grey scarf"
    held: str | None = None  # in a hand
    hidden: tuple[str, ...] = ()  # "top" or "bottom": worn, but under something else


def record(attributes: Attributes) -> dict[str, object]:
    """Attributes as they are written down; what few people have only where somebody has it."""
    rare = ("extras", "held")
    return {key: value for key, value in asdict(attributes).items() if value or key not in rare}


def describe(shape: Shape, style: GaitStyle, said: dict[str, object]) -> Attributes:
    """Attributes from what was put on."""
    age = (
        "child"
        if shape.child
        else "young adult"
        if shape.age < 0.52
        else "adult"
        if shape.age < 0.8
        else "elderly"
    )
    build = "slim" if shape.weight < 0.36 else "heavy" if shape.weight > 0.68 else "average"
    return Attributes(
        gender="female" if shape.female else "male",
        age=age,
        height_m=round(shape.stature, 2),
        build=build,
        phone="phone" in (style.left_arm, style.right_arm),
        **said,  # type: ignore[arg-type]
    )


def caption(attributes: Attributes) -> str:
    """One plain English sentence or two."""
    a = attributes
    who = {("female", True): "girl", ("male", True): "boy"}.get(
        (a.gender, a.age == "child"), "woman" if a.gender == "female" else "man"
    )
    adjective = {"young adult": "young ", "elderly": "elderly "}.get(a.age, "")
    looks = "" if a.build == "average" else f"{a.build} "
    bald = "bald " if a.hair == "bald" and not a.hat else ""
    hair = "" if a.hair == "bald" else f" with {a.hair} hair"

    def cloth(colour: str, pattern: str, item: str) -> str:
        return f"{colour} {item}" if pattern == "plain" else f"{colour} {pattern} {item}"

    wearing = [article(cloth(a.top_colour, a.top_pattern, a.top))]
    if a.outer is not None:
        # An open front shows the colour of what is under it, not its pattern.
        over = "" if "top" in a.hidden else f" over {article(f'{a.top_colour} {a.top}')}"
        wearing = [article(f"{a.outer_colour} {a.outer}") + over]
    if a.bottom != "dress" and "bottom" not in a.hidden:
        lower = cloth(a.bottom_colour, a.bottom_pattern, a.bottom)
        wearing.append(lower if a.bottom in ("trousers", "jeans", "shorts", "leggings") else article(lower))
    wearing.append(f"{a.shoes_colour} shoes")
    if a.hat:
        wearing.append(article(a.hat))
    if a.mask:
        wearing.append("a face mask")
    wearing += [article(extra) for extra in a.extras]
    subject = article(f"{looks}{bald}{adjective}{who}").capitalize()
    text = f"{subject}{hair}, wearing {', '.join(wearing[:-1])} and {wearing[-1]}."
    extras = [f"carries {article(f'{a.bag_colour} {a.bag}')}"] if a.bag else []
    if a.held:
        extras.append(f"holds {a.held if a.held.endswith('s') else article(a.held)}")
    if a.phone:
        extras.append("holds a hand to the ear")
    return text + (f" The person {' and '.join(extras)}." if extras else "")


def article(noun: str) -> str:
    """Put "a" or "an" before a noun."""
    return f"{'an' if noun[0] in 'aeiou' and not noun.startswith('uni') else 'a'} {noun}"
