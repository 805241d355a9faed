"""Rules: what a process's YAML demands of its cases (Declare templates and plain rules), and which cases do otherwise."""
