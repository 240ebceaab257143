"""Pure Plotly: frames in, a figure out, in one look for light and one for dark."""
