"""The normal distribution: the one constant that intervals are made with."""

# Two-sided 90 % interval of a normal distribution, in standard deviations.
Z90 = 1.6448536
