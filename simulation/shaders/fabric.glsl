// Colours of skin, cloth, hair, shoes and bags at a canonical point. Detail fades where a pixel is larger than it.
struct Material { vec4 a, b, c, d, e, f, g, h, i, j; };
layout(std140) uniform Materials { Material materials[10]; };
uniform sampler2DArray prints;  // layer 0 this person's chest print, layer 1 the back print
const int SKIN = 0, SHOES = 1, BOTTOM = 2, TOP = 3, OUTER = 4, HAIR = 5, HAT = 6, BAG = 7, EXTRA = 8, HELD = 9;

float soft_step(float edge, float x, float width) { return clamp((x - edge) / max(width, 1e-5) + 0.5, 0.0, 1.0); }
// A stripe train of period 1 and share `duty`, box-filtered over `width` periods.
float stripes(float x, float duty, float width) {
    float w = max(width, 0.02);
    float lo = x - 0.5 * w, hi = x + 0.5 * w;
    float fill = floor(hi) * duty + min(fract(hi), duty) - floor(lo) * duty - min(fract(lo), duty);
    return clamp(fill / w, 0.0, 1.0);
}
vec3 weave(Material m, vec3 c, vec3 chart, int region, float pixel) {
    vec3 A = m.a.rgb, B = m.b.rgb, C = m.c.rgb;
    int pattern = int(m.a.w + 0.5);
    float scale = m.b.w, duty = m.c.w, seed = m.d.x, level = m.e.x;
    float u = chart.x * chart.z, v = chart.y, w = pixel / scale;
    float fine = exp(-w * w * 4.0);
    bool arm = region == ARM_L || region == ARM_R;
    vec3 woven = A;
    WHEN(pattern == 1) woven = mix(A, B, stripes(v / scale, duty, w));
    WHEN(pattern == 2) woven = mix(A, B, stripes(u / scale, duty, w));
    WHEN(pattern == 3) {
        float s = 0.5 * stripes(v / scale, duty, w) + 0.5 * stripes(u / scale, duty, w);
        float line = max(stripes(v / scale + 0.37, 0.1, w), stripes(u / scale + 0.37, 0.1, w));
        woven = mix(mix(A, B, s), C, 0.4 * line);
    }
    WHEN(pattern == 4) {
        vec3 q = c / scale;
        float n = noise(q + seed), n2 = noise(q * 1.3 + seed + 41.0);
        vec3 colour = mix(A, B, soft_step(0.1, n, 0.05 + w));
        woven = mix(colour, C, soft_step(0.25, n2, 0.05 + w));
    }
    WHEN(pattern == 5) woven = mix(B, A, soft_step(level, v, 0.004 + pixel));
    WHEN(pattern == 6) {
        vec2 q = fract(vec2(u, v) / scale) - 0.5;
        float dot_share = soft_step(0.0, 0.26 - length(q), 0.06 + w);
        woven = mix(mix(A, B, 0.21), mix(A, B, dot_share), fine);
    }
    WHEN(pattern == 7) woven = mix(A, B, soft_step(0.0, 0.05 - abs(v - level), 0.004 + pixel));
    WHEN(pattern == 8) {
        vec3 q = vec3(u, v, 0.0) / scale;
        float n = noise(q + seed), n2 = noise(q * 1.6 + seed + 17.0);
        woven = mix(mix(A, B, soft_step(0.2, n, 0.08 + w)), C, soft_step(0.3, n2, 0.08 + w));
    }
    WHEN(pattern == 9) woven = A * (1.0 + 0.45 * noise(vec3(u, v, seed) * vec3(140.0, 140.0, 1.0)) * exp(-pixel * pixel / 3e-5));
    WHEN(pattern == 10) woven = mix(B, A, clamp((v + 0.05) / 0.55, 0.0, 1.0));
    WHEN(pattern == 11) woven = mix(A, B, stripes(v / scale, 0.10, w) * 0.75);  // quilting
    WHEN(pattern == 12) {                                                      // denim: faded at thigh and knee
        float fade = exp(-pow((v + 0.16) / 0.14, 2.0)) + 0.7 * exp(-pow((v + 0.40) / 0.07, 2.0));
        float front = 0.5 + 0.5 * cos(chart.x);
        woven = A * (1.0 + 0.55 * fade * front) * (1.0 + 0.18 * noise(c * 60.0 + seed) * exp(-pixel * pixel / 1e-4));
    }
    return woven;
}
vec3 lay_print(vec3 colour, Material m, vec3 c) {
    if (m.f.x < 0.5) return colour;
    bool back = c.y > 0.0;
    if (back && m.f.w < 0.5) return colour;
    vec2 q = vec2(back ? -c.x : c.x, -(c.z - m.f.z)) / m.f.y + 0.5;
    if (any(lessThan(q, vec2(0.0))) || any(greaterThan(q, vec2(1.0)))) return colour;
    vec4 ink = texture(prints, vec3(q, back ? 1.0 : 0.0));
    return mix(colour, ink.rgb, ink.a);
}
vec3 straps(vec3 colour, Material m, vec3 c, float pixel) {
    float mode = m.g.x;
    if (mode == 0.0) return colour;
    float worn = 0.0;
    if (mode == 1.0) worn = soft_step(0.0, 0.02 - abs(abs(c.x) - 0.09), 0.004 + pixel) * step(c.y, 0.03) * soft_step(0.2, c.z, 0.01);
    else {
        float side = sign(mode);
        float t = (c.z - 0.02) - (c.x * side + 0.2) * 1.35;
        worn = soft_step(0.0, 0.028 - abs(t), 0.004 + pixel);
    }
    return mix(colour, m.h.rgb, worn);
}
// Sleeves begin at an upright plane through the shoulder; the mesh's own regions would give a ragged seam.
int sewn_region(vec3 c, int region) {
    if (region != TORSO && region != ARM_L && region != ARM_R) return region;
    vec3 shoulder = arm_joints[c.x > 0.0 ? 0 : 3];
    bool outside = abs(c.x) > abs(shoulder.x);
    if (region == TORSO) return outside && c.z > shoulder.z - 0.10 ? (c.x > 0.0 ? ARM_L : ARM_R) : TORSO;
    return outside ? region : TORSO;
}
vec3 cloth(Material m, int slot, vec3 c, vec3 chart, int region, float pixel) {
    if (slot == TOP || slot == OUTER) {
        region = sewn_region(c, region);
        chart = limb_chart(c, region);
    }
    vec3 colour = weave(m, c, chart, region, pixel);
    bool arm = region == ARM_L || region == ARM_R;
    float ax = abs(c.x);
    if (slot == TOP || slot == OUTER) {
        if (arm && m.e.y > 0.5) colour = m.b.rgb;
        if (region == TORSO) {
            colour = lay_print(colour, m, c);
            if (m.g.z > 0.5) colour = mix(colour, m.c.rgb, soft_step(0.0, min(c.z - 0.51, 0.105 - ax), 0.006 + pixel));
            if (slot == OUTER && c.y < 0.0) {
                float width = m.e.z * (0.6 + 0.8 * smoothstep(0.1, 0.5, c.z));
                if (m.e.z > 0.0) colour = mix(colour, m.i.rgb, soft_step(0.0, width - ax, 0.004 + pixel));
                else if (m.e.w > 0.5) colour *= 1.0 - 0.6 * soft_step(0.0, 0.007 - ax, 0.003 + pixel);
            }
            colour = straps(colour, m, c, pixel);
        }
    }
    if (slot == BOTTOM) {
        if (m.g.w > 0.5 && region != TORSO) colour = mix(colour, m.b.rgb, soft_step(0.0, 0.3 - abs(chart.x - 1.57), 0.1));
        if (m.g.y > 0.5) colour = mix(colour, m.c.rgb * 0.5, soft_step(0.07, c.z, 0.004 + pixel));
    }
    if (slot == SHOES) colour = mix(colour, m.c.rgb, soft_step(0.0, -0.795 - c.z, 0.006 + pixel));
    if (slot == BAG && m.g.y > 0.5) colour = mix(colour, m.b.rgb, soft_step(0.0, 0.05 - abs(c.z + 0.05), 0.01 + pixel));
    float grain = exp(-pixel * pixel / 8e-6);
    WHEN(m.d.y * grain > 0.002) colour *= 1.0 + m.d.y * grain * noise(vec3(chart.x * chart.z, chart.y, m.d.x) * 300.0);
    float wear = 0.05 * noise(c * 14.0 + m.d.x);
    WHEN(m.h.w > 0.0) wear += m.h.w * 0.2 * noise(c * 5.0 + m.d.x + 3.0);
    return colour * (1.0 + wear);
}
vec3 face_and_skin(Material m, vec3 c, int region, float pixel) {
    vec3 colour = m.a.rgb, hair = m.b.rgb;
    if (region == HEAD) {
        float ax = abs(c.x);
        bool front = c.y < -0.05;
        float edge = c.y > -0.02 && c.y < 0.2 ? 0.66 - (c.y + 0.02) * 0.3 : 0.715 + 0.55 * (-c.y - 0.06);
        if (m.i.z > 0.5) colour = mix(colour, hair, soft_step(edge, c.z, 0.02 + pixel));
        if (front) {
            float eye_shape = length(vec2((ax - 0.031) / 0.014, (c.z - 0.697) / 0.006));
            colour = mix(colour, vec3(0.03, 0.025, 0.02), soft_step(0.0, 1.0 - eye_shape, 0.3));
            float brow = length(vec2((ax - 0.033) / 0.022, (c.z - 0.716) / 0.005));
            colour = mix(colour, hair, 0.7 * soft_step(0.0, 1.0 - brow, 0.3));
            float lip = length(vec2(ax / 0.022, (c.z - 0.632) / 0.008));
            colour = mix(colour, colour * vec3(0.78, 0.46, 0.46), soft_step(0.0, 1.0 - lip, 0.3));
            if (m.i.x > 0.5 && c.z < 0.652 && c.z > 0.56 && lip > 1.0) colour = mix(colour, hair, 0.75);
            if (m.i.y > 0.5 && c.z < 0.668 && c.z > 0.58) colour = m.j.rgb;
        }
    }
    return colour * (1.0 + m.d.y * noise(c * 40.0));
}
vec3 strands(Material m, vec3 c, float pixel) {
    float keep = exp(-pixel * pixel / 4e-5), n = 0.0;
    WHEN(keep > 0.01) n = noise(vec3(c.xy * 160.0, c.z * 22.0) + m.d.x);
    return m.a.rgb * (1.0 + 0.6 * n * keep + 0.25 * noise(c * 20.0 + m.d.x));
}
