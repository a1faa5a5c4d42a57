// Value noise on an integer lattice: the same bits on every machine.
uint mix_bits(uvec3 p) {
    p = p * uvec3(1597334673u, 3812015801u, 2798796415u);
    uint n = (p.x ^ p.y ^ p.z) * 1597334673u;
    n ^= n >> 15;
    n *= 2246822519u;
    return n ^ (n >> 13);
}
float lattice(ivec3 p) { return float(mix_bits(uvec3(p)) & 0xffffu) * (1.0 / 65535.0); }
float noise(vec3 p) {  // -1 .. 1
    ivec3 i = ivec3(floor(p));
    vec3 f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    vec4 a = vec4(lattice(i), lattice(i + ivec3(1, 0, 0)), lattice(i + ivec3(0, 1, 0)), lattice(i + ivec3(1, 1, 0)));
    vec4 b = vec4(lattice(i + ivec3(0, 0, 1)), lattice(i + ivec3(1, 0, 1)), lattice(i + ivec3(0, 1, 1)), lattice(i + ivec3(1, 1, 1)));
    vec4 c = mix(a, b, f.z);
    return mix(mix(c.x, c.y, f.x), mix(c.z, c.w, f.x), f.y) * 2.0 - 1.0;
}
float fbm(vec3 p) { return noise(p) + 0.5 * noise(p * 2.03 + 7.1) + 0.25 * noise(p * 4.1 + 13.7); }
