"""Files for other people and other programs: CSV, strict JSON, Excel, Parquet."""
