"""The networks that the ASMR paper compares with, as plain PyTorch, and a command that fits them.

    python -m benchmarks.peers sizes
    python -m benchmarks.peers fit cameraman --steps 100

They are here to be measured beside the codec's networks; nothing in inrcodec uses them. Sizes are
those of Li et al., ICLR 2024, appendices A to D and H; each file names its own source.
"""
