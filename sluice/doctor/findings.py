"""What a check of the doctor says: a state and one line."""

WELL, NOTE, WRONG = "ok", "note", "WRONG"
Finding = tuple[str, str]
