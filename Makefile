# The same recipes for those who type make: make bench-single ARGS="--quick"
RECIPES := bench-single bench-multi bench-go bench-py bench-rust analyze compare doctor contract up up-go up-py up-rust images \
	containers down logs-go logs-py logs-rust clean generate fmt lint test ci

.PHONY: help $(RECIPES)

help:
	@./lab help

$(RECIPES):
	@./lab $@ $(ARGS)
