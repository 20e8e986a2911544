"""`python -m galaxynet`: the command."""

from galaxynet.safe_path import guard

guard()

from galaxynet.cli.main import main  # noqa: E402

if __name__ == "__main__":
    main()
