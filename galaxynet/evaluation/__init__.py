"""How good a trained network is: intervals, calibration, novelty, and the test again."""
