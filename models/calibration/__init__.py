"""From scores to probabilities: what a score says about two pictures showing one person."""
