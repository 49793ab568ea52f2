"""What a city and the region run: today the `collector` that takes the devices' trips."""
