"""`python -m galaxynet`: the command."""

from galaxynet import safe_path

safe_path.guard()

from galaxynet.cli.main import main  # noqa: E402

if __name__ == "__main__":
    main()
