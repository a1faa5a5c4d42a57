"""Tells other programs that a job has ended, without being led to anywhere inside."""
