"""Answers made of several numbers: what a page, a report or a command shows."""
