"""What the tests in the folders beside this one share. A test puts the folder tests/ on its path to import it."""
