// A camera's lens, sensor and processing: linear light to 8-bit sRGB-like values.
uniform sampler2D picture;
uniform ivec2 corner;        // of the window in the whole picture
uniform vec2 frame;          // size of the whole picture
uniform mat3 crosstalk;      // colour mixing, white balance and exposure
uniform float blur;          // sigma in pixels
uniform float kernel[3];     // weights of the blur at distance 0, 1, 2
uniform float sharpen;
uniform float vignette;
uniform float noise_level;
uniform float gamma;
uniform float saturation;
uniform float contrast;
uniform float lift;
uniform float curve;         // strength of an S-shaped tone curve
uniform int shot;            // number of the frame: another noise each
uniform vec2 size;
layout(location = 0) out vec4 colour;

vec3 linear(ivec2 p) { return texelFetch(picture, clamp(p, ivec2(0), ivec2(size) - 1), 0).rgb; }
vec3 develop(vec3 x) {
    x = max(x, 0.0);
    return x / (1.0 + 0.18 * x);
}
void main() {
    ivec2 here = ivec2(gl_FragCoord.xy);
    // Vignette and colour hardly change within the lens' blur: they are applied to its sum.
    vec3 raw = linear(here), wide = raw;
    WHEN(blur > 0.0 || sharpen > 0.0) {
        vec3 sum = vec3(0.0);
        for (int y = -2; y <= 2; ++y)
            for (int x = -2; x <= 2; ++x) sum += kernel[abs(x)] * kernel[abs(y)] * linear(here + ivec2(x, y));
        wide = sum;
    }
    vec2 q = (vec2(here + corner) + 0.5 - 0.5 * frame) / (0.5 * frame.x);
    float open = 1.0 - 0.6 * vignette * dot(q, q);
    vec3 centre = crosstalk * raw * open, soft = crosstalk * wide * open;
    vec3 x = develop(blur > 0.0 ? soft : centre);
    vec3 unsharp = sharpen > 0.0 ? sharpen * (develop(centre) - develop(soft)) : vec3(0.0);
    uvec3 cell = uvec3(uvec2(here + corner), uint(shot));
    vec3 grain = vec3(0.0);
    for (int k = 0; k < 4; ++k) {
        uint bits = mix_bits(cell + uvec3(uint(k) * 7919u, uint(k) * 104729u, 1u));
        grain += vec3(float(bits & 1023u), float((bits >> 10) & 1023u), float((bits >> 20) & 1023u)) / 1023.0 - 0.5;
    }
    x += grain * 1.73 * noise_level * sqrt(clamp(x, 0.01, 1.0)) + unsharp;
    x = pow(clamp(x, 0.0, 1.0), vec3(1.0 / gamma));
    float grey = dot(x, vec3(1.0 / 3.0));
    x = grey + (x - grey) * saturation;
    x = ((x - 0.5) * contrast + 0.5) * (1.0 - lift) + lift;
    x = clamp(x, 0.0, 1.0);
    WHEN(curve > 0.0) x = mix(x, x * x * (3.0 - 2.0 * x), curve);
    colour = vec4(x, 1.0);
}
