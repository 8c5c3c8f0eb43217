"""`python -m inrcodec`: the same as the installed command."""

from inrcodec.cli import main

if __name__ == "__main__":
    main(prog_name="inrcodec")
