"""Readers of what bots, exchanges and people wrote: each file becomes raw canonical tables."""
