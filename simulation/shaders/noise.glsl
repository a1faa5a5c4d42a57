// Value noise on an integer lattice: the same bits on every machine.
uint mix_bits(uvec3 p) {
    p = p * uvec3(1597334673u, 3812015801u, 2798796415u);
    uint n = (p.x ^ p.y ^ p.z) * 1597334673u;
    n ^= n >> 15;
    n *= 2246822519u;
    return n ^ (n >> 13);
}
float lattice(ivec3 p) { return float(mix_bits(uvec3(p)) & 0xffffu) * (1.0 / 65535.0); }
// A condition whose body is jumped over where no pixel of a block meets it: a software rasteriser goes through both
// sides of an `if` with a mask, but leaves a loop. No `return` or `break` in the body.
#define WHEN(condition) for (int once = (condition) ? 1 : 0; once > 0; --once)

float corner_value(uint x, uint y, uint z) {  // lattice() from coordinates already multiplied
    uint n = (x ^ y ^ z) * 1597334673u;
    n ^= n >> 15;
    n *= 2246822519u;
    n ^= n >> 13;
    return float(int(n & 0xffffu));
}
float noise(vec3 p) {  // -1 .. 1
    uvec3 i = uvec3(ivec3(floor(p))) * uvec3(1597334673u, 3812015801u, 2798796415u);
    uvec3 j = i + uvec3(1597334673u, 3812015801u, 2798796415u);
    vec3 f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    vec4 a = vec4(corner_value(i.x, i.y, i.z), corner_value(j.x, i.y, i.z), corner_value(i.x, j.y, i.z), corner_value(j.x, j.y, i.z));
    vec4 b = vec4(corner_value(i.x, i.y, j.z), corner_value(j.x, i.y, j.z), corner_value(i.x, j.y, j.z), corner_value(j.x, j.y, j.z));
    vec4 c = mix(a, b, f.z);
    return mix(mix(c.x, c.y, f.x), mix(c.z, c.w, f.x), f.y) * (2.0 / 65535.0) - 1.0;
}
float fbm(vec3 p) { return noise(p) + 0.5 * noise(p * 2.03 + 7.1) + 0.25 * noise(p * 4.1 + 13.7); }
