// Person, part, u, v of each sample; u goes round a part and v up along it, each from 0 to 1.
uniform sampler2D surface_map;
uniform sampler2D normal_map;
layout(location = 0) out vec4 truth;

const float PI = 3.14159265;
// Lowest and highest level (m) of the parts in pairs, as the chart measures them; what is beyond is at the edge.
const vec2 SPAN[12] = vec2[](
    vec2(-0.12, 0.56), vec2(-0.20, -0.025), vec2(-0.85, -0.745),                     // torso, hands, feet
    vec2(-0.35, 0.05), vec2(-0.35, 0.05), vec2(-0.745, -0.35), vec2(-0.745, -0.35),  // legs
    vec2(0.22, 0.50), vec2(0.22, 0.50), vec2(-0.025, 0.22), vec2(-0.025, 0.22),      // arms
    vec2(0.54, 0.81));                                                               // head

float around(int part, float angle) {
    if (part >= 23) return angle / PI + (part == 23 ? 1.0 : 0.0);  // halves of the head: to the front, and from it
    if (part >= 3 && part <= 6) return angle / (2.0 * PI) + 0.5;   // hands and feet: all round
    bool front = abs(angle) < 0.5 * PI;
    return (front ? angle : angle - sign(angle) * PI) / PI + 0.5;
}

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
    int part = body_part(s.xyz, region, chart);
    vec2 span = SPAN[(part - 1) / 2];
    float v = (chart.y - span.x) / (span.y - span.x);
    truth = vec4(person / 255.0, float(part) / 255.0, clamp(around(part, chart.x), 0.0, 1.0), clamp(v, 0.0, 1.0));
}
