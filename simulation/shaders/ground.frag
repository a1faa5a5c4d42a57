// The ground plane and the sky behind everything.
uniform float pixel_angle;
uniform mat4 view_projection;
// 0 slabs, 1 checker, 2 asphalt with lines, 3 grass and path, 4 polished floor, 5 pavers in a bond, 6 ribbed slabs,
// 7 gravel, 8 a zebra crossing, 9 planks, 10 worn concrete
uniform int paving;
uniform vec3 paving_a;
uniform vec3 paving_b;
uniform float paving_scale;
uniform float seed;
uniform float indoor;
in vec3 ray;
layout(location = 0) out vec4 shaded;
layout(location = 1) out vec4 direct;

vec3 ground(vec3 p, float pixel) {
    float s = paving_scale, w = pixel / s;
    vec2 q = p.xy / s;
    vec3 c = paving_a;
    float near = exp(-w * w * 4.0);
    if (paving == 0 || paving == 4) {
        float each = lattice(ivec3(int(floor(q.x)), int(floor(q.y)), int(seed)));
        c *= 1.0 + 0.2 * (each - 0.5) * near;
        vec2 edge = abs(fract(q) - 0.5);
        c = mix(c, c * 0.5, smoothstep(0.485 - w, 0.49 + w, max(edge.x, edge.y)) * near);
    } else if (paving == 1) {
        float even = mod(floor(q.x) + floor(q.y), 2.0);
        c = mix(mix(paving_a, paving_b, 0.5), even > 0.5 ? paving_b : paving_a, near);
    } else if (paving == 2) {
        float line = smoothstep(0.03 + w, 0.02, abs(fract(q.x / 6.0) - 0.5) * 2.0);
        c = mix(c, vec3(0.55), line * 0.8);
    } else if (paving == 3) {
        float path = smoothstep(0.02, -0.02, abs(p.y + 0.8 * noise(vec3(p.xy * 0.2, seed))) - 1.6 * s);
        c = mix(paving_b * (1.0 + 0.5 * noise(vec3(p.xy * 9.0, seed)) * exp(-pixel * 30.0)), c, path);
    }
    else if (paving == 5) {
        float row = floor(q.y * 2.0);
        vec2 at = vec2(q.x + 0.5 * mod(row, 2.0), q.y * 2.0), edge = abs(fract(at) - 0.5);
        float each = lattice(ivec3(int(floor(at.x)), int(row), int(seed)));
        c = mix(c, mix(paving_a, paving_b, each), near);
        c *= 1.0 - 0.45 * smoothstep(0.44 - w, 0.47 + w, max(edge.x, edge.y)) * near;
    } else if (paving == 6) {
        vec2 cell = floor(q), edge = abs(fract(q) - 0.5);
        float turned = mod(cell.x + cell.y, 2.0);
        float ribs = 0.5 + 0.5 * cos(6.2831853 * 9.0 * (turned > 0.5 ? q.x : q.y));
        c = mix(c, paving_b, 0.5 * ribs * exp(-w * w * 300.0));
        c *= 1.0 - 0.6 * smoothstep(0.47 - w, 0.49 + w, max(edge.x, edge.y)) * near;
    } else if (paving == 7) {
        float stones = noise(vec3(p.xy * 32.0, seed)) * exp(-pixel * 40.0) + 0.4 * noise(vec3(p.xy * 11.0, seed)) * exp(-pixel * 14.0);
        c = mix(c, paving_b, clamp(0.5 + 0.6 * stones, 0.0, 1.0));
    } else if (paving == 8) {
        float bar = smoothstep(0.27 + w, 0.23 - w, abs(fract(p.x) - 0.5)) * step(abs(p.y), 1.8);
        c = mix(c, vec3(0.62), bar * (0.75 + 0.2 * noise(vec3(p.xy * 3.0, seed))));
    } else if (paving == 9) {
        float board = floor(q.y * 5.0), each = lattice(ivec3(int(board), int(floor(q.x * 0.7 + 0.37 * board)), int(seed)));
        c *= 0.75 + 0.5 * each + 0.12 * noise(vec3(p.x * 2.0, p.y * 60.0, seed)) * near;
        c *= 1.0 - 0.5 * smoothstep(0.44 - w, 0.48 + w, abs(fract(q.y * 5.0) - 0.5)) * near;
    }
    else if (paving == 10) {
        float worn = fbm(vec3(p.xy * 1.7, seed + 5.0));
        c = mix(c, paving_b, clamp(0.4 + 0.5 * worn, 0.0, 0.8)) * (1.0 - 0.25 * smoothstep(0.02 + w, 0.0, abs(fract(p.x / 4.0) - 0.5)));
    }
    float stain = fbm(vec3(p.xy * 0.6, seed));
    float grit = noise(vec3(p.xy * 14.0, seed)) * exp(-pixel * 25.0) + noise(vec3(p.xy * 45.0, seed)) * exp(-pixel * 80.0);
    return c * (1.0 + 0.14 * stain + 0.10 * grit);
}
void main() {
    vec3 r = normalize(ray);
    direct = vec4(0.0);
    if (r.z > -1e-4) {
        float clouds = fbm(vec3(r.xy / max(r.z + 0.25, 0.1), seed));
        shaded = vec4(haze_colour * (1.0 + (indoor > 0.5 ? 0.02 : 0.22) * clouds * smoothstep(0.0, 0.3, r.z)), 0.0);
        WHEN(tubes > 0.0) shaded.rgb = ceiling_at(eye, r);
        gl_FragDepth = 0.99999;
        return;
    }
    float reach = -eye.z / r.z;
    vec3 p = eye + r * reach;
    p.z = 0.0;
    float pixel = reach * pixel_angle / max(-r.z, 0.05) * 0.5;
    vec3 albedo = ground(p, pixel), up = vec3(0.0, 0.0, 1.0);
    albedo = max(albedo, vec3(0.005));
    float h = haze_at(p);
    shaded = vec4(albedo * ambient_light(up) * (1.0 - h), h);
    WHEN(paving == 4 && tubes > 0.0) {  // a polished floor mirrors the ceiling, more where it is seen flatly
        vec3 mirrored = ceiling_at(p, vec3(r.xy, -r.z) + 0.006 * noise(vec3(p.xy * 7.0, seed)));
        shaded.rgb += mirrored * (0.04 + 0.4 * pow(1.0 + r.z, 4.0)) * (1.0 - h);
    }
    direct = vec4(albedo * sun_colour * towards_sun(up) * sunlit(p) * (1.0 - h), 1.0);
    vec4 q = view_projection * vec4(p, 1.0);
    gl_FragDepth = clamp(q.z / q.w * 0.5 + 0.5, 0.0, 0.9999);
}
