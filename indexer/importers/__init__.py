"""Ready-made tracklets from elsewhere: folders of crops and files of boxes."""
