"""The data model: every table that crosses a layer, declared once."""
