// Shade the samples of one person, from what the geometry pass left.
uniform sampler2D surface_map;
uniform sampler2D normal_map;
uniform sampler2D depth_map;
uniform mat4 people_shadow_matrix;
uniform sampler2DShadow people_shadow;
uniform sampler2D photo_map;  // of people with a photograph
uniform float photographed;   // 1 for this person, or 0
uniform int person;
uniform float pixel_angle;  // size of a pixel at distance 1 m
uniform mat4 to_world;      // clip space to world
uniform vec2 size;          // of the window
uniform int factor;
uniform int most;           // samples of a pixel that are shaded, 1 or 2
layout(location = 0) out vec4 colour;

vec3 shade(vec3 c, vec3 n, vec3 world, int slot, int region, ivec2 at) {
    vec3 view = normalize(eye - world);
    if (dot(n, view) < 0.0) n = -n;
    float pixel = distance(world, eye) * pixel_angle;
    vec3 chart = limb_chart(c, region);
    Material m = materials[slot];
    vec3 albedo = vec3(0.0);
    WHEN(slot == SKIN) albedo = face_and_skin(m, c, region, pixel);
    WHEN(slot == HAIR) albedo = strands(m, c, pixel);
    WHEN(slot != SKIN && slot != HAIR) albedo = cloth(m, slot, c, chart, region, pixel);
    WHEN(photographed > 0.0) {
        vec4 photo = texelFetch(photo_map, at, 0);
        albedo = pow(photo.rgb, vec3(2.2)) * mix(vec3(1.0), 2.0 * albedo, photo.a);
        if (slot == TOP && region == TORSO) albedo = straps(albedo, m, c, pixel);
    }
    albedo = max(albedo, vec3(0.004));
    float wrinkle = m.d.z;
    WHEN(wrinkle > 0.0) {
        vec3 q = vec3(c.xy * 14.0, c.z * 9.0 + c.x * 6.0) + m.d.x;
        float keep = exp(-pixel * pixel / 1e-3);
        n = normalize(n + vec3(noise(q), noise(q + 31.0), 0.6 * noise(q + 57.0)) * (wrinkle * 0.7 * keep));
    }
    float open = 0.6 + 0.4 * clamp(world.z / 0.9, 0.0, 1.0);
    float lit = sunlit(world) * shadow_of(people_shadow, people_shadow_matrix, world, 0.0025);
    vec3 light = albedo * (ambient_light(n) * open + sun_colour * towards_sun(n) * lit);
    light += sun_colour * (m.d.w * lit * pow(max(dot(n, normalize(view + sun_direction)), 0.0), 24.0));
    float rim = 1.0 - max(dot(n, view), 0.0);
    light += sky_colour * 0.03 * rim * rim;
    return mix(light, haze_colour, haze_at(world));
}
void main() {
    // Of the samples of a pixel that show this person, the first that shows is shaded, or with it the last.
    ivec2 base = ivec2(gl_FragCoord.xy) * factor;
    float share = 0.0;
    ivec2 first = ivec2(-1), last = ivec2(-1);
    for (int y = 0; y < factor; ++y)
        for (int x = 0; x < factor; ++x) {
            ivec2 at = base + ivec2(x, y);
            if (int(texelFetch(normal_map, at, 0).w + 0.5) != person) continue;
            share += 1.0 / float(factor * factor);
            if (first.x < 0) first = at;
            last = at;
        }
    if (share == 0.0) discard;
    vec3 sum = vec3(0.0);
    int count = last == first ? 1 : most;
    for (int k = 0; k < count; ++k) {
        ivec2 at = k == 0 ? first : last;
        vec4 s = texelFetch(surface_map, at, 0);
        vec3 n = normalize(texelFetch(normal_map, at, 0).xyz);
        float z = texelFetch(depth_map, at, 0).r;
        vec4 q = to_world * vec4((vec2(at) + 0.5) / (size * float(factor)) * 2.0 - 1.0, z * 2.0 - 1.0, 1.0);
        int code = int(s.w + 0.5);
        sum += shade(s.xyz, n, q.xyz / q.w, code & 15, code >> 4, at);
    }
    colour = vec4(sum / float(count), 1.0) * share;  // blended by addition: several people may share a pixel
}
