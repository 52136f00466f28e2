"""Real faults on a real daemon, real tmux and a real disk: `just faults`, see __main__."""
