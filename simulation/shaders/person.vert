// Linear blend skinning of one person; the layer moves a point towards the eye without moving it on the picture.
layout(std140) uniform Bones { vec4 bones[312]; };  // three rows a bone
uniform mat4 view_projection;
uniform vec4 place;      // x, y, cos, sin of the heading
uniform float lift;      // metres, so that the lower foot stands on the ground
uniform vec3 camera;
uniform float layering;  // 1 for the camera, 0 for shadows

in vec3 position;
in vec3 normal;
in vec3 canonical;
in ivec4 bones_a;
in ivec4 bones_b;
in vec4 weights_a;
in vec4 weights_b;
in vec4 tags;            // cut, slot, region, layer
in vec2 uv;              // in the photograph; below 0 where there is none

out vec3 world;
out vec3 facing;
out vec3 template_point;
out float cut;
out vec2 texel;
flat out int slot;
flat out int region;

void blend(int bone, float weight, inout vec4 x, inout vec4 y, inout vec4 z) {
    x += weight * bones[3 * bone];
    y += weight * bones[3 * bone + 1];
    z += weight * bones[3 * bone + 2];
}
void main() {
    vec4 x = vec4(0.0), y = vec4(0.0), z = vec4(0.0);
    for (int k = 0; k < 4; ++k) blend(bones_a[k], weights_a[k], x, y, z);
    for (int k = 0; k < 2; ++k) blend(bones_b[k], weights_b[k], x, y, z);
    vec4 rest = vec4(position, 1.0);
    vec3 p = vec3(dot(x, rest), dot(y, rest), dot(z, rest) + lift);
    vec3 n = vec3(dot(x.xyz, normal), dot(y.xyz, normal), dot(z.xyz, normal));
    mat2 turn = mat2(place.z, place.w, -place.w, place.z);
    world = vec3(turn * p.xy + place.xy, p.z);
    facing = vec3(turn * n.xy, n.z);
    template_point = canonical;
    cut = tags.x;
    texel = uv;
    slot = int(tags.y + 0.5);
    region = int(tags.z + 0.5);
    float reach = distance(world, camera);
    vec3 drawn = mix(world, camera, layering * tags.w / max(reach, 0.5));
    gl_Position = view_projection * vec4(drawn, 1.0);
}
