module benchframeworks/loadtest/bench/server

go 1.25.0
