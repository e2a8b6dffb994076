"""Instruction-level Cortex-M simulator and cycle estimator."""
