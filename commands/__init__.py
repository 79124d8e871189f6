"""What the shell's verbs do: inputs become tasks, tasks become files, and a report says which."""
