"""What a trained model becomes: weights, graph and recipe under one digest."""
