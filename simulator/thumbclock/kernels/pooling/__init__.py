"""Max, average and global pooling."""
