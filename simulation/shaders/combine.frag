// The kept backdrop, darkened where people shade it, under the averaged picture of the people.
uniform sampler2D shaded;
uniform sampler2D direct;
uniform sampler2D depth;
uniform sampler2D people;   // premultiplied by coverage
uniform ivec2 corner;       // of the window, in backdrop pixels
uniform int factor;         // supersampling of the depth
uniform mat4 to_world;      // clip space to world
uniform vec2 size;          // of the window
uniform vec3 haze_colour;
uniform mat4 people_shadow_matrix;
uniform sampler2DShadow people_shadow;
uniform int walkers;
uniform vec2 feet[24];
layout(location = 0) out vec4 colour;

void main() {
    ivec2 here = ivec2(gl_FragCoord.xy);
    vec4 above = texelFetch(people, here, 0);
    vec4 a = texelFetch(shaded, here + corner, 0), b = texelFetch(direct, here + corner, 0);
    float z = texelFetch(depth, (here + corner) * factor, 0).r;
    WHEN(walkers > 0 && z < 0.9999 && above.a < 1.0) {
        vec4 q = to_world * vec4(gl_FragCoord.xy / size * 2.0 - 1.0, z * 2.0 - 1.0, 1.0);
        vec3 p = q.xyz / q.w;
        float open = 1.0;
        for (int i = 0; i < walkers; ++i) {
            vec2 d = p.xy - feet[i];
            float d2 = dot(d, d) + p.z * p.z;
            WHEN(d2 < 2.2) open *= 1.0 - 0.5 * exp(-d2 / 0.07) - 0.22 * exp(-d2 / 0.45);
        }
        vec4 s = people_shadow_matrix * vec4(p, 1.0);
        float lit = 1.0;
        WHEN(all(lessThan(abs(s.xyz), vec3(1.0)))) {
            vec3 t = s.xyz * 0.5 + 0.5;
            vec2 texel = 1.0 / vec2(textureSize(people_shadow, 0));
            lit = 0.0;
            for (int i = 0; i < 4; ++i)
                lit += 0.25 * texture(people_shadow, vec3(t.xy + (vec2(float(i & 1), float(i >> 1)) - 0.5) * 1.6 * texel, t.z - 0.0015));
        }
        a.rgb *= open;
        b.rgb *= lit;
    }
    vec3 below = a.rgb + b.rgb + haze_colour * a.a;
    colour = vec4(below * (1.0 - above.a) + above.rgb, above.a);
}
