"""Fills become positions, lots, round trips and PnL; the identity holds to the last digit."""
