"""Lightning modules, data feeds, augmentation, losses, samplers, seeds."""
