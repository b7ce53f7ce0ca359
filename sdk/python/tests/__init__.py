"""What the SDK promises, without a sandbox: `python3 -m unittest` in the folder above."""
