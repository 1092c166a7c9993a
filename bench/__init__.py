"""What is measured: `make bench`. Every speed is a ratio against a yardstick taken in the same run."""
