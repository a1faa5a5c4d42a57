"""Learning a gallery's cameras from its own tracklets, without anybody's labels."""
