"""Operators that only move data: padding, concatenation, transposition, reshaping."""
