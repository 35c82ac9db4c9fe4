"""Pictures and masks as people have them: opened, turned upright, brought to one scale."""
