"""`Retargeting`: what may be chosen when a motion is put on a rig."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .mapping import Mapping

FEET = ("auto", "always", "never")
HANDS = ("never", "auto")
TRAVEL = ("hips", "root")


@dataclass(frozen=True)
class Retargeting:
    """How a motion is put on a rig.

    Attributes:
        feet: "auto" holds feet still while the motion says that they are on the ground, "always"
            also where they only look like it, "never" leaves them as they come.
        hands: "auto" holds hands still while they rest, "never" leaves them as they come.
        in_place: keep the person where the rig stands; swaying and height stay.
        travel: "hips", or "root" to put the way over the floor on the rig's root bone, as game
            engines want it; a rig without one has it on the hips.
        facing: degrees that the motion is turned to the left, seen from above, about its start.
        start: world metres (x, y) from the rig's origin to where the motion starts.

    Raises:
        ValueError: one of the words is not known.
    """

    feet: str = "auto"
    hands: str = "never"
    in_place: bool = False
    travel: str = "hips"
    facing: float = 0.0
    start: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        for name, known in (("feet", FEET), ("hands", HANDS), ("travel", TRAVEL)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}, not one of {known}")

    def cannot(self, mapping: Mapping) -> tuple[str, ...]:
        """What is chosen and cannot be had on a rig, a sentence each."""
        if self.travel != "root" or self.in_place:
            return ()
        root, hips = mapping.bone("root"), mapping.carrier or mapping.bone("hips")
        told = "The character has no root bone: the way over the floor is on its hips."
        return (told,) if root in (None, hips) else ()


AUTOMATIC = Retargeting()
"""Nothing chosen."""
