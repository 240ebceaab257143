"""Worked cases with exact answers, one adapter a kind."""
