"""From several photos and from verdicts to what is searched for: fusion, refinement, what to judge next."""
