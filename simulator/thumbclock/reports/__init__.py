"""What a person reads: tables and figures, made of results and nothing else."""
