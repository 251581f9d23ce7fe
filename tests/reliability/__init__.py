"""What users, disks and other programs do to a program; docs/reliability.md has the figures."""
