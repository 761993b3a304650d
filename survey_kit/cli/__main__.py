"""`python -m survey_kit.cli`."""

from survey_kit.cli import main

if __name__ == "__main__":
    main()
