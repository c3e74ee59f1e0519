"""The brms grammar: from the text of a formula to typed terms."""
