"""Element by element: addition, multiplication, clamping and requantization."""
