"""Evidence packages: what was asked, found and judged, with clips, in one file that shows any change."""
