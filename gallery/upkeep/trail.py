"""The audit trail: is the chain whole?"""

from gallery.catalogue.audit import Audit
from gallery.sql.database import Database
from gallery.upkeep.faults import Part
from gallery.upkeep.findings import Findings


def check_audit(database: Database, found: Findings) -> int:
    """Hash all audit events again; returns how many there are."""
    report = Audit(database).verify()
    if report.broken_at is not None:
        what = f"the audit trail is broken at event {report.broken_at}: {report.reason}"
        found.add(Part.AUDIT, what, advice="what was recorded then is in backups of before, or nowhere")
    return report.events
