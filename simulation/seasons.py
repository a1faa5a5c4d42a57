"""Clothes by season: how likely each garment is, and in which colours."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulation.colours import LOWER_WEIGHTS, OUTER_WEIGHTS, UPPER_WEIGHTS


@dataclass(frozen=True)
class Season:
    """Shares of garments, weights of colours."""

    upper: Mapping[str, float]
    lower: Mapping[str, float]
    outer: Mapping[str, float]
    dress: float  # share of women in a dress
    women: tuple[float, float, float, float]  # trousers, shorts, leggings, skirt
    men: tuple[float, float, float, float]
    tops: tuple[float, float, float, float]  # sleeveless, T-shirt, long-sleeved, jumper
    jacket: float  # share with a jacket or coat
    jackets: tuple[float, float, float]  # jacket, padded jacket, coat
    open_front: float  # share of jackets
    patterned: bool  # or of one colour, except denim and heather
    lively: bool = False  # folds in clothes, bags with handles and pockets, busy hands

    @property
    def warm(self) -> bool:
        """True if arms and legs are covered."""
        return self.tops[0] + self.tops[1] == 0.0


EVERYDAY = Season(
    upper=UPPER_WEIGHTS,
    lower=LOWER_WEIGHTS,
    outer=OUTER_WEIGHTS,
    dress=0.12,
    women=(0.62, 0.14, 0.08, 0.16),
    men=(0.78, 0.2, 0.02, 0.0),
    tops=(0.06, 0.46, 0.26, 0.22),
    jacket=0.3,
    jackets=(0.5, 0.25, 0.25),
    open_front=0.4,
    patterned=True,
)
WINTER = Season(
    upper={"black": 20, "dark grey": 12, "grey": 8, "navy": 10, "white": 6, "dark red": 3, "olive": 3},
    lower={"black": 40, "dark grey": 14, "navy": 14, "dark denim": 22, "denim blue": 6, "brown": 2},
    outer={"black": 50, "dark grey": 16, "navy": 18, "brown": 4, "olive": 6, "dark red": 2, "grey": 4},
    dress=0.0,
    women=(0.84, 0.0, 0.16, 0.0),
    men=(1.0, 0.0, 0.0, 0.0),
    tops=(0.0, 0.0, 0.4, 0.6),
    jacket=1.0,
    jackets=(0.4, 0.35, 0.25),
    open_front=0.15,
    patterned=False,
)
