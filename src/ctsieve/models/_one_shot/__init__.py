"""The parts that the One Shot papers add to Mask R-CNN, each under its section's name."""
