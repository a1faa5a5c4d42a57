// What of a person shows at each sample; shaded later, once a pixel that shows.
uniform int person;          // 1-based number of this person in the picture
uniform sampler2D backdrop_depth;  // of the whole picture; the window starts at `corner`
uniform ivec2 corner;
#ifdef PHOTOGRAPHED
uniform sampler2D photograph;
uniform sampler2D garments;     // slot over 255, 0 where the mesh says it
in vec2 texel;
layout(location = 3) out vec4 albedo;  // as dye.py says; what is not photographed is fabric alone
#endif
in vec3 world;
in vec3 facing;
in vec3 template_point;
in float cut;
flat in int slot;
flat in int region;
layout(location = 0) out vec4 surface;  // canonical point; slot + 16 region
layout(location = 1) out vec4 normal;   // world normal; person
layout(location = 2) out float owner;   // person once more, over 255: read back alone

void main() {
    if (cut < 0.0) discard;
    if (gl_FragCoord.z > texelFetch(backdrop_depth, ivec2(gl_FragCoord.xy) + corner, 0).r) discard;
    int worn = slot;
#ifdef PHOTOGRAPHED
    int shown = texel.x < 0.0 ? 0 : int(texture(garments, texel).r * 255.0 + 0.5);
    worn = shown > 0 ? shown : slot;
    albedo = texel.x < 0.0 ? vec4(vec3(0.7297401), 1.0) : texture(photograph, texel);  // 0.5 ^ (1 / 2.2)
#endif
    surface = vec4(template_point, float(worn + 16 * region));
    normal = vec4(facing, float(person));
    owner = float(person) / 255.0;
}
