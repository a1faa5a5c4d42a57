in float cut;
void main() { if (cut < 0.0) discard; }
