"""Those outside who keep our checkpoints: whom they are sent to, and what comes back."""
