"""Numbers that other libraries and books state, against ours."""
