uniform mat4 view_projection;
in vec3 position;
in vec3 normal;
in float material;
out vec3 world;
out vec3 facing;
flat out int kind;
void main() {
    world = position;
    facing = normal;
    kind = int(material + 0.5);
    gl_Position = view_projection * vec4(position, 1.0);
}
