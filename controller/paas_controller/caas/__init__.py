"""Apps and containers on Kubernetes. What a cluster says becomes our words in `cluster`, and nowhere else."""
