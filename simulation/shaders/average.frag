// Average a supersampled pair of pictures.
uniform sampler2D first;
uniform sampler2D second;
uniform int factor;
layout(location = 0) out vec4 a;
layout(location = 1) out vec4 b;
void main() {
    ivec2 base = ivec2(gl_FragCoord.xy) * factor;
    a = vec4(0.0);
    b = vec4(0.0);
    for (int y = 0; y < factor; ++y)
        for (int x = 0; x < factor; ++x) {
            a += texelFetch(first, base + ivec2(x, y), 0);
            b += texelFetch(second, base + ivec2(x, y), 0);
        }
    a /= float(factor * factor);
    b /= float(factor * factor);
}
