"""The machine: an image on a board, run under Unicorn and priced by the pipeline model."""

from thumbclock.machine.image import Extent, Image, load_image
from thumbclock.machine.machine import CallResult, Machine, simulate

__all__ = ["CallResult", "Extent", "Image", "Machine", "load_image", "simulate"]
