"""What is in force: parameters and deny-list of signed packages, gone over to between two taps."""
