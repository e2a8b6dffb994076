"""``python -m thumbclock``."""

from thumbclock.cli import main

if __name__ == "__main__":
    main()
