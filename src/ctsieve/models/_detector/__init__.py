"""Parts of Mask R-CNN as four papers use it: torchvision's where they are equal, ours elsewhere."""
