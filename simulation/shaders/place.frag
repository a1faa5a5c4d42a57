// Walls, posts, cars, plants: boxes with procedural surfaces.
// a: colour, pattern; b: colour, scale; c: colour, duty; d: seed, band, gloss, height in metres (of railings)
struct Surface { vec4 a, b, c, d; };
layout(std140) uniform Surfaces { Surface surfaces[64]; };
uniform float pixel_angle;
in vec3 world;
in vec3 facing;
flat in int kind;
layout(location = 0) out vec4 shaded;  // light from the sky; haze
layout(location = 1) out vec4 direct;  // light from the sun; 1

float stripes(float x, float duty, float width) {
    float w = max(width, 0.02);
    float lo = x - 0.5 * w, hi = x + 0.5 * w;
    float fill = floor(hi) * duty + min(fract(hi), duty) - floor(lo) * duty - min(fract(lo), duty);
    return clamp(fill / w, 0.0, 1.0);
}
vec3 random_colour(ivec3 cell) { return vec3(lattice(cell), lattice(cell + 7), lattice(cell + 19)); }
// Posters and signs: some cells of a wall are papered, with a head, a picture and lines of text.
vec3 posters(Surface m, float h, float v, float w) {
    vec2 q = vec2(h / m.b.w, v / (m.b.w * 1.4)), in_cell = fract(q);
    ivec3 cell = ivec3(ivec2(floor(q)), int(m.d.x));
    vec2 edge = abs(in_cell - 0.5);
    if (lattice(cell + 3) > m.c.w || max(edge.x, edge.y) > 0.44) return m.a.rgb;
    vec3 paper = mix(vec3(dot(random_colour(cell), vec3(0.33))), random_colour(cell), 0.8), ink = random_colour(cell + 31);
    float lines = step(0.5, fract(in_cell.y * 12.0)) * step(lattice(cell + ivec3(0, int(in_cell.y * 12.0), 5)), in_cell.x + 0.4);
    vec3 inside = in_cell.y > 0.72 ? ink : in_cell.y > 0.36 ? mix(paper, random_colour(cell + int(in_cell.x * 3.0)), 0.6) : mix(paper, ink, 0.7 * lines);
    return mix(mix(paper, ink, 0.3), inside, exp(-w * 2.0));
}
// Things in a heap, in a shop window, in a bicycle stand: blocks of three sizes, the smaller before the larger.
vec3 clutter(Surface m, float h, float v) {
    vec3 c = m.a.rgb;
    for (int k = 0; k < 3; ++k) {
        float size = m.b.w / (1.0 + 1.4 * float(k));
        ivec3 cell = ivec3(int(floor(h / size)), int(floor(v / (size * 1.2))), int(m.d.x) + 11 * k);
        vec3 own = random_colour(cell);
        own = mix(vec3(dot(own, vec3(0.33))), own, m.c.w) * (0.1 + 0.6 * lattice(cell + 41));
        if (lattice(cell + 53) < 0.45) c = own;
    }
    return c;
}
// What a railing or a fence leaves open: the point is thrown away.
bool is_open(Surface m, float h, float v) {
    int pattern = int(m.a.w + 0.5);
    float scale = m.b.w, duty = m.c.w;
    if (pattern != 9 && pattern != 10) return false;
    bool rail = v > m.d.w - 0.07 || abs(v - 0.12) < 0.03;
    bool bar = fract(h / scale) < duty || (pattern == 10 && fract(v / scale) < duty);
    return !rail && !bar;
}
vec3 surface(Surface m, vec3 p, vec3 n, float pixel) {
    vec3 A = m.a.rgb, B = m.b.rgb, C = m.c.rgb;
    int pattern = int(m.a.w + 0.5);
    float scale = m.b.w, duty = m.c.w, seed = m.d.x, w = pixel / scale;
    float h = abs(n.x) > abs(n.y) ? p.y : p.x, v = p.z;
    vec3 colour = A;
    if (pattern == 1) {  // bricks
        float row = floor(v / (scale * 0.4)), shift = 0.5 * mod(row, 2.0);
        float each = lattice(ivec3(int(floor(h / scale + shift)), int(row), int(seed)));
        float joint = max(stripes(h / scale + shift, 0.05, w), stripes(v / (scale * 0.4), 0.12, w * 2.5));
        colour = mix(A * (0.8 + 0.4 * mix(each, 0.5, clamp(w, 0.0, 1.0))), B, joint);
    } else if (pattern == 2) {  // windows
        vec2 q = fract(vec2(h / scale, v / (scale * 1.3)));
        float pane = step(0.14, q.x) * step(q.x, 0.86) * step(0.2, q.y) * step(q.y, 0.85);
        float each = lattice(ivec3(int(floor(h / scale)), int(floor(v / (scale * 1.3))), int(seed)));
        colour = mix(A, B * (0.5 + each), pane);
    } else if (pattern == 3) {  // panels
        colour = mix(A, B, max(stripes(h / scale, 0.02, w), stripes(v / scale, 0.02, w)));
    } else if (pattern == 4) {  // shelves
        ivec3 cell = ivec3(int(floor(h / scale)), int(floor(v / (scale * 0.7))), int(seed));
        vec3 goods = vec3(lattice(cell), lattice(cell + 7), lattice(cell + 19));
        colour = mix(vec3(dot(goods, vec3(0.33))), goods, 0.35) * 0.5 + A * 0.3;
        colour = mix(colour, B, stripes(v / (scale * 0.7), 0.12, w));
    } else if (pattern == 5) colour = mix(A, B, stripes(h / scale, duty, w));
    else if (pattern == 6) {  // leaves, bark
        float n2 = fbm(p / scale + seed);
        colour = A * (1.0 + 0.8 * n2) + B * max(n2, 0.0) * 0.5;
    } else if (pattern == 7) {  // tiles
        float each = lattice(ivec3(int(floor(h / scale)), int(floor(v / scale)), int(seed)));
        float joint = max(stripes(h / scale, 0.06, w), stripes(v / scale, 0.06, w));
        colour = mix(A * (1.0 + duty * (mix(each, 0.5, clamp(w, 0.0, 1.0)) - 0.5)), B, joint);
    } else if (pattern == 8) colour = posters(m, h, v, w);
    else if (pattern == 11) {  // concrete, with runs of water and the joints of its casting
        float runs = noise(vec3(h * 3.0, v * 0.25, seed)) + 0.5 * noise(vec3(h * 9.0, v * 0.5, seed));
        colour = A * (1.0 + 0.22 * runs) * (1.0 - 0.3 * max(stripes(h / scale, 0.015, w), stripes(v / (0.6 * scale), 0.02, w)));
    } else if (pattern == 12) {  // boards
        float board = floor(h / scale), each = lattice(ivec3(int(board), 1, int(seed)));
        colour = mix(A, B, 0.6 * each + 0.25 * noise(vec3(h * 40.0, v * 2.0, seed + board)) * exp(-w * 4.0));
        colour *= 1.0 - 0.5 * stripes(h / scale, 0.08, w);
    } else if (pattern == 13) {  // glass that mirrors a bright sky above dark things
        float sky = smoothstep(0.8, 3.0, v + 0.6 * noise(vec3(h * 0.7, v * 0.4, seed)));
        colour = mix(B, C, sky);
        colour = mix(colour, A, max(stripes(h / scale, 0.06, w), stripes(v / (1.7 * scale), 0.04, w)));
    } else if (pattern == 14) colour = clutter(m, h, v);
    if (m.d.y > 0.5 && v > 1.1 && v < 1.25) colour = C;
    float grime = 1.0 - 0.25 * exp(-max(v, 0.0) / 0.4);
    return colour * grime * (1.0 + 0.16 * fbm(p * 0.9 + seed) + 0.05 * noise(p * 30.0) * exp(-pixel * 40.0));
}
void main() {
    vec3 n = normalize(facing);
    float pixel = distance(world, eye) * pixel_angle;
    Surface m = surfaces[kind];
    if (is_open(m, abs(n.x) > abs(n.y) ? world.y : world.x, world.z)) discard;
    vec3 albedo = surface(m, world, n, pixel);
    float open = 0.75 + 0.25 * clamp(world.z / 0.8, 0.0, 1.0);
    float h = haze_at(world);
    albedo = max(albedo, vec3(0.005));
    shaded = vec4(albedo * ambient_light(n) * open * (1.0 - h), h);
    direct = vec4(albedo * sun_colour * towards_sun(n) * sunlit(world) * (1.0 - h), 1.0);
}
