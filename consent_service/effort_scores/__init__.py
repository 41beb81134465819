"""How easy people found it: counts, and nobody behind them."""
