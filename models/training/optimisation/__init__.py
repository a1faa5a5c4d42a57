"""How weights move: the optimiser, their average over steps, and statistics of norms that fit them."""
