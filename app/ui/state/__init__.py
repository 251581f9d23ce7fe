"""What the window knows: the session, the recipe, the texts and what is selected of them."""
