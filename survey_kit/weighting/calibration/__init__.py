"""The parts of calibration: its columns, options, report and variance."""
