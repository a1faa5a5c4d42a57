"""A certificate as text that people read and file."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from gallery.records.erasure import ErasureInfo, ErasureProof

_SHOWN: Final = 1000  # ids of a kind; the JSON has all


def certificate_text(erasure: ErasureInfo) -> str:
    """Write an erasure's certificate, its proof and its place in the audit trail as plain text."""
    return "\n".join(_lines(erasure)) + "\n"


def _lines(erasure: ErasureInfo) -> Iterator[str]:
    found = erasure.certificate
    by = found["by"]["key_id"]
    yield f"Certificate of erasure {erasure.id}"
    yield ""
    yield f"Erased at:   {found['at']}"
    yield f"By:          {'key ' + by if by else 'the command line, or a rule'}"
    yield f"Under:       {_rule(found['rule'])}"
    yield f"Asked for:   {_asked(found['target'])}"
    yield f"Certificate: SHA-256 {erasure.certificate_sha256}"
    if erasure.event_id is None:
        yield "Audit event: removed with others of its time"
    else:
        yield f"Audit event: {erasure.event_id}:{erasure.event_digest}"
    yield ""
    yield "What went"
    yield from (f"  {name}: {count}" for name, count in found["counts"].items() if count)
    yield from _erased(found["erased"])
    if found["held"]:
        yield ""
        yield "What legal holds keep"
        yield from _cut([f"  {one['kind']} {one['id']}: hold {one['hold']}" for one in found["held"]])
    yield ""
    yield "What remains"
    for one in found["remains"]:
        yield f"  {one['what']}: {one['why']}"
        yield from _cut([f"    {name}" for name in one["ids"]])
    yield ""
    yield "Proof"
    yield f"  {_proof(erasure.proof)}"
    settled = erasure.settled_at
    yield (
        "  Vectors and log entries have not left the disk yet: compaction removes them."
        if settled is None
        else f"  All of it had left the gallery's folder at {settled.isoformat()}."
    )


def _rule(rule: Mapping[str, Any]) -> str:
    if "rules" in rule:
        rules = [
            f"{one['kind']}{' of ' + one['camera'] if one['camera'] else ''} for {one['days']} days"
            for one in rule["rules"]
        ]
        return f"{rule['by']}: {', '.join(rules)}"
    if "erasure" in rule:
        return f"{rule['by']}: erasure {rule['erasure']}, certificate SHA-256 {rule['certificate_sha256']}"
    listed = "listed and confirmed" if rule.get("listed_and_confirmed") else "without a list"
    return f"{rule['by']}, {listed}"


def _asked(target: Mapping[str, Any]) -> str:
    parts = [str(target["kind"])]
    named = ("camera_id", "start", "end", "search_id")
    parts += [f"{name.removesuffix('_id')} {target[name]}" for name in named if name in target]
    ids = target.get("ids", [])
    return ", ".join([*parts, *(ids if len(ids) <= 3 else [f"{len(ids)} ids"])])


def _erased(erased: Mapping[str, Any]) -> Iterator[str]:
    yield from _cut(
        [
            f"  recording {one['id']}: {one['camera']}, {one['start']} to {one['end']}, "
            f"{one['tracklets']} tracklets, content SHA-256 {one['content_sha256']}"
            for one in erased["recordings"]
        ]
    )
    yield from _cut([f"  tracklet {one}" for one in erased["tracklets"]])
    yield from _cut(
        [
            f"  stretch of recording {one['recording']}: {one['start']} to {one['end']}"
            for one in erased["stretches"]
        ]
    )
    yield from _cut([f"  photo {one['id']}: SHA-256 {one['sha256']}" for one in erased["photos"]])
    for kind in ("searches", "cases"):
        yield from _cut([f"  {kind}: {one}" for one in erased[kind]])


def _proof(proof: ErasureProof | None) -> str:
    if proof is None:
        return "It was not searched for afterwards: the process ended before."
    searched, of = proof.vectors
    found = (
        "nothing of it was found"
        if proof.holds
        else f"FOUND: {proof.found} hits, {proof.rows} rows, {proof.files} files"
    )
    note = f" {proof.note}" if proof.note else ""
    return f"Searched with {searched} of the {of} erased vectors at {proof.at.isoformat()}: {found}.{note}"


def _cut(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"  and {len(lines) - _SHOWN} more: see the JSON"
