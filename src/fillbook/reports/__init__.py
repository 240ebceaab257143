"""Files a person takes away: CSV, JSON, Excel and Parquet, each with its units."""
