# 1 CPU, 1 worker, 30 connections.
common: common.smoke "single"
