"""The benchmark harness: starts peers, drives load through them, reads what they cost."""
