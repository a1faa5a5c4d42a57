// Where on a person a canonical point lies: angle around the limb and length along it, and one of 24 body parts.
uniform vec3 arm_joints[6];  // shoulder, elbow, wrist of the left and of the right arm, canonical
const int TORSO = 0, ARM_L = 1, ARM_R = 2, LEG_L = 3, LEG_R = 4, HEAD = 5;

vec3 limb_chart(vec3 c, int region) {  // angle (radians, 0 in front), level (m, growing upwards), radius (m)
    if (region == TORSO || region == HEAD) return vec3(atan(c.x, -c.y), c.z, region == HEAD ? 0.09 : 0.15);
    if (region == LEG_L || region == LEG_R) {
        float side = region == LEG_L ? 1.0 : -1.0;
        return vec3(atan((c.x - 0.13 * side) * side, -(c.y + 0.02)), c.z, 0.085);
    }
    int first = region == ARM_L ? 0 : 3;
    vec3 shoulder = arm_joints[first], elbow = arm_joints[first + 1], wrist = arm_joints[first + 2];
    float upper = distance(shoulder, elbow);
    vec3 a = (elbow - shoulder) / upper, b = normalize(wrist - elbow);
    float s = dot(c - shoulder, a), t = dot(c - elbow, b);
    vec3 centre = s < upper ? shoulder + s * a : elbow + t * b;
    vec3 q = c - centre;
    float outward = q.z * 0.7 + sign(centre.x) * q.x * 0.7;
    return vec3(atan(-q.y, outward), 0.47 - (s < upper ? s : upper + t), 0.055);
}
// Part names and order as in DensePose: 1 torso back, 2 torso front, 3 right hand, 4 left hand, 5 left foot,
// 6 right foot, 7-10 upper legs (R L back, R L front), 11-14 lower legs, 15-18 upper arms (L R inside, L R outside),
// 19-22 lower arms, 23 24 head (right, left). The chart is this project's own, not DensePose's.
int body_part(vec3 c, int region, vec3 chart) {
    bool front = abs(chart.x) < 1.5707963;
    if (region == TORSO) return front ? 2 : 1;
    if (region == HEAD) return c.x < 0.0 ? 23 : 24;
    bool left = region == ARM_L || region == LEG_L;
    if (region == LEG_L || region == LEG_R) {
        if (c.z < -0.745) return left ? 5 : 6;
        int base = c.z > -0.35 ? 7 : 11;
        return base + (left ? 1 : 0) + (front ? 2 : 0);
    }
    float along = 0.47 - chart.y;
    if (along > 0.495) return left ? 4 : 3;
    int base = along < 0.25 ? 15 : 19;
    return base + (left ? 0 : 1) + (front ? 0 : 2);
}
