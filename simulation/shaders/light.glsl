// Sun with shadows, sky from above, bounce from below, haze. Linear light.
uniform vec3 sun_direction;  // towards the sun
uniform vec3 sun_colour;
uniform vec3 sky_colour;
uniform vec3 ground_light;
uniform vec3 side_light;     // from a window, an open side of a street: direction times strength
uniform vec3 haze_colour;
uniform float haze;
uniform float dapple;        // strength of leaf shadows
uniform float dapple_scale;
uniform float tubes;         // metres between rows of fluorescent tubes, 0: none
uniform vec3 eye;
uniform mat4 scenery_shadow_matrix;
uniform sampler2DShadow scenery_shadow;

float shadow_of(sampler2DShadow map, mat4 matrix, vec3 p, float bias) {
    vec4 q = matrix * vec4(p, 1.0);
    if (any(greaterThan(abs(q.xyz), vec3(1.0)))) return 1.0;
    vec3 s = q.xyz * 0.5 + 0.5;
    vec2 texel = 1.0 / vec2(textureSize(map, 0));
    float lit = 0.0;
    for (int i = 0; i < 4; ++i) {
        vec2 offset = vec2(float(i & 1) - 0.5, float(i >> 1) - 0.5) * 1.6;
        lit += 0.25 * texture(map, vec3(s.xy + offset * texel, s.z - bias));
    }
    return lit;
}
float sunlit(vec3 p) {  // by what stands still
    float lit = shadow_of(scenery_shadow, scenery_shadow_matrix, p, 0.0015);
    WHEN(dapple > 0.0) {
        vec3 q = p - sun_direction * (p.z / max(sun_direction.z, 0.2));
        float leaves = noise(vec3(q.xy * dapple_scale, 3.0)) + 0.5 * noise(vec3(q.xy * dapple_scale * 3.1, 9.0));
        lit *= 1.0 - dapple * smoothstep(-0.1, 0.1, leaves);
    }
    WHEN(tubes > 0.0) lit *= 1.0 + 0.6 * cos(6.2831853 * p.x / tubes);
    return lit;
}
vec3 ambient_light(vec3 n) {
    float hemisphere = 0.5 + 0.5 * n.z;
    return sky_colour * (hemisphere + max(dot(n, side_light), 0.0)) + ground_light * (1.0 - hemisphere);
}
float towards_sun(vec3 n) { return max(dot(n, sun_direction) * 0.88 + 0.12, 0.0); }
float haze_at(vec3 p) { return 1.0 - exp(-distance(p, eye) * haze); }
// Light of a ceiling of panels and tubes where a ray from p in direction r (upwards) meets it.
vec3 ceiling_at(vec3 p, vec3 r) {
    vec3 q = p + r * ((3.1 - p.z) / max(r.z, 0.02));
    float row = abs(fract(q.x / tubes) - 0.5) * tubes, blur = 0.04 + 0.02 * length(q - p);
    float lamp = smoothstep(0.5 * tubes - 0.12 - blur, 0.5 * tubes - 0.12 + blur, row);
    lamp *= smoothstep(0.5, 0.44, abs(fract(q.y / 1.9) - 0.5));
    float joint = smoothstep(0.46, 0.5, max(abs(fract(q.x / 0.6) - 0.5), abs(fract(q.y / 0.6) - 0.5)));
    return haze_colour * (0.55 - 0.15 * joint) + sun_colour * 6.0 * lamp;
}
