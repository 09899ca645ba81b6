"""One study from file to leaderboard."""
