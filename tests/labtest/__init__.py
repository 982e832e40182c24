"""What the tests that drive the real `bench` share. A test puts the folder tests/ on its path to import it."""
