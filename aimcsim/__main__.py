"""`python -m aimcsim`: the command line."""

from aimcsim.cli import main

if __name__ == "__main__":
    main()
