// Walls, posts, cars, plants: boxes with procedural surfaces.
struct Surface { vec4 a, b, c, d; };  // a: colour, pattern; b: colour, scale; c: colour, duty; d: seed, band, gloss, -
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
    }
    if (m.d.y > 0.5 && v > 1.1 && v < 1.25) colour = C;
    float grime = 1.0 - 0.25 * exp(-max(v, 0.0) / 0.4);
    return colour * grime * (1.0 + 0.16 * fbm(p * 0.9 + seed) + 0.05 * noise(p * 30.0) * exp(-pixel * 40.0));
}
void main() {
    vec3 n = normalize(facing);
    float pixel = distance(world, eye) * pixel_angle;
    Surface m = surfaces[kind];
    vec3 albedo = surface(m, world, n, pixel);
    float open = 0.75 + 0.25 * clamp(world.z / 0.8, 0.0, 1.0);
    float h = haze_at(world);
    albedo = max(albedo, vec3(0.005));
    shaded = vec4(albedo * ambient_light(n) * open * (1.0 - h), h);
    direct = vec4(albedo * sun_colour * towards_sun(n) * sunlit(world) * (1.0 - h), 1.0);
}
