"""What an operator watches over time: numbers about requests, searches, jobs and the gallery; no names."""
