// Person, part, u, v of each sample.
uniform sampler2D surface_map;
uniform sampler2D normal_map;
layout(location = 0) out vec4 truth;

void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    vec4 s = texelFetch(surface_map, at, 0);
    float person = texelFetch(normal_map, at, 0).w;
    if (person < 0.5) {
        truth = vec4(0.0);
        return;
    }
    int region = int(s.w + 0.5) >> 4;
    vec3 chart = limb_chart(s.xyz, region);
    float u = chart.x / 6.2831853 + 0.5;
    float v = clamp((chart.y + 0.85) / 1.7, 0.0, 1.0);
    truth = vec4(person / 255.0, float(body_part(s.xyz, region, chart)) / 255.0, u, v);
}
