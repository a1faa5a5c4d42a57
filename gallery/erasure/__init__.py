"""Erasure: what goes, what is held, the certificate, and the rules by which things go by themselves."""
