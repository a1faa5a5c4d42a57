"""Indexing by the actors of a Ray cluster: they decode, detect and embed, and this process tracks and writes.

What a node does is a matter of the recording and the settings alone (a run of frames looked at, a batch of
clips embedded), so it can be done by any of them, and again by another one when one is lost. All that depends
on order (tracks, refinement, ids) is done in one place, in order: the rows are those of one machine.
"""
