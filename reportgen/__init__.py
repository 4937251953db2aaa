"""reportgen: from a folder of images to an HTML report of Grad-CAM and per-layer Layer-CAM."""

__version__ = "0.1.0"
