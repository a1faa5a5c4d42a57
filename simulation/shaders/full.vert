uniform mat4 ray_matrix;  // from the corners of the picture to directions in the world
in vec2 corner;
out vec3 ray;
void main() {
    ray = (ray_matrix * vec4(corner, 1.0, 0.0)).xyz;
    gl_Position = vec4(corner, 1.0, 1.0);
}
