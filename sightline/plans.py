"""Shows what an erasure would take."""

from typing import TYPE_CHECKING

from sightline.console import print_line, print_note, print_table

if TYPE_CHECKING:
    from gallery import ErasurePlan


def print_plan(plan: "ErasurePlan") -> None:
    """Print everything that a plan lists, what is held, and what it does not reach."""
    if plan.empty:
        print_line("Nothing would go.")
    scores = dict((plan.target.about or {}).get("scores", {}))
    _listed(
        "Recordings",
        [
            {
                "id": one.id,
                "camera": one.camera,
                "from_utc": f"{one.start:%Y-%m-%d %H:%M:%S}",
                "to_utc": f"{one.end:%Y-%m-%d %H:%M:%S}",
                "tracklets": one.tracklets,
            }
            for one in plan.recordings
        ],
    )
    _listed(
        "Single tracklets",
        [
            {
                "id": one.id,
                "camera": one.camera,
                "from_utc": f"{one.start:%Y-%m-%d %H:%M:%S}",
                "to_utc": f"{one.end:%Y-%m-%d %H:%M:%S}",
                "score": scores.get(one.id),
            }
            for one in plan.tracklets
        ],
    )
    _listed(
        "Stretches of recordings that stay",
        [
            {
                "recording": one.recording_id,
                "from_utc": f"{one.start:%Y-%m-%d %H:%M:%S}",
                "to_utc": f"{one.end:%Y-%m-%d %H:%M:%S}",
            }
            for one in plan.stretches
        ],
    )
    for what, ids in (("Photos", plan.probes), ("Searches", plan.searches), ("Cases", plan.cases)):
        _listed(what, [{"id": one} for one in ids])
    if plan.marks:
        print_line(f"Marks of searches that go along: {plan.marks}")
    for held in plan.held:
        print_note(f"{held.kind} {held.id} is under legal hold {held.hold_id}: {held.reason}")
    for one in plan.remains:
        ids = f" ({', '.join(one.ids[:10])}{', ...' * (len(one.ids) > 10)})" if one.ids else ""
        print_line(f"Stays: {one.what}: {one.why}{ids}")
    print_line(f"SHA-256 of this plan: {plan.digest}")


def _listed(title: str, rows: list[dict[str, object]]) -> None:
    if rows:
        print_line(f"{title}: {len(rows)}")
        print_table(rows)
