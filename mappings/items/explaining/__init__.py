"""One issue and its item side by side, with the rules that apply to them; nothing of it is written or kept."""
