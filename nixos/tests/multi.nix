# 4 CPUs, 4 workers, 40 connections: Python's four processes have 10 each.
common: common.smoke "multi"
