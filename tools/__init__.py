"""What is run now and then in a checkout: the mutation check and the pages that are generated."""
