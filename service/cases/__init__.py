"""Cases: what belongs to one investigation, and the journey that its confirmed hits make."""
