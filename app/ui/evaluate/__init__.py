"""The evaluation dialog: measures roles on tasks and shows current and past evaluations."""
