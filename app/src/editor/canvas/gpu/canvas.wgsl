// The canvas in one pass: picture (alone or in its photo), comparison, mask, pixel grid. Colours are in gamma space, as egui's are.

// Rows of an affine map; the third number is the translation.
struct Affine {
    x: vec4<f32>,
    y: vec4<f32>,
}

struct Uniforms {
    // The canvas's part of the screen in points: left, top, width, height.
    area: vec4<f32>,
    canvas_from_points: Affine,
    // To coordinates in which a texture's own sides have length one.
    base_from_canvas: Affine,
    patch_from_canvas: Affine,
    source_from_canvas: Affine,
    // The layer's offset in canvas pixels; the tint; how many pixels of the picture lie along a canvas pixel.
    mask_offset_tint_density: vec4<f32>,
    mask_color: vec4<f32>,
    // Left of this many points the source shows; where the second picture of a pair begins, and by how much the first is
    // moved.
    compare: vec4<f32>,
    flags: vec4<u32>,
}

const HAS_PATCH: u32 = 1u;
const HAS_SOURCE: u32 = 2u;
const HAS_MASK: u32 = 4u;
const IS_NEAREST: u32 = 8u;
const HAS_GRID: u32 = 16u;
const IS_ISOLATED: u32 = 32u;
const IS_PAIR: u32 = 64u;
const HAS_LINEAR_OUTPUT: u32 = 128u;
const HAS_OUTLINE: u32 = 256u;
const HAS_VEIL: u32 = 512u;
const IS_MASK_ALONE: u32 = 1024u;

const CANVAS_SIZE_PX: f32 = 512.0;
const PENDING_TINT: f32 = 0.45;

@group(0) @binding(0) var<uniform> u: Uniforms;
// The only one: OpenGL has no textures without their sampler, and takes one for each.
@group(0) @binding(1) var linear_sampler: sampler;
@group(0) @binding(2) var base: texture_2d<f32>;
@group(0) @binding(3) var patch_: texture_2d<f32>;
@group(0) @binding(4) var source: texture_2d<f32>;
// Red: the mask; green: the mask as the picture shows it.
@group(0) @binding(5) var mask: texture_2d<f32>;
// What is painted, in colours that say how much of it counts.
@group(0) @binding(6) var veil: texture_2d<f32>;

struct Vertex {
    @builtin(position) position: vec4<f32>,
    @location(0) points: vec2<f32>,
}

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> Vertex {
    let corner = vec2<f32>(f32(index & 1u), f32(index >> 1u));
    var out: Vertex;
    out.position = vec4<f32>(corner.x * 2.0 - 1.0, 1.0 - corner.y * 2.0, 0.0, 1.0);
    out.points = u.area.xy + corner * u.area.zw;
    return out;
}

fn map(affine: Affine, at: vec2<f32>) -> vec2<f32> {
    let p = vec3<f32>(at, 1.0);
    return vec2<f32>(dot(affine.x.xyz, p), dot(affine.y.xyz, p));
}

fn is_within(at: vec2<f32>) -> bool {
    return all(at >= vec2<f32>(0.0)) && all(at < vec2<f32>(1.0));
}

fn has(flag: u32) -> bool {
    return (u.flags.x & flag) != 0u;
}

// Catmull and Rom's cubic: 4 x 4 texels by nine samples, since a linear sample between the inner two of a row weighs both.
fn cubic_sample(image: texture_2d<f32>, at: vec2<f32>, texels: vec2<f32>) -> vec3<f32> {
    let center = floor(at * texels - 0.5) + 0.5;
    let t = at * texels - center;
    let before = t * (-0.5 + t * (1.0 - 0.5 * t));
    let here = 1.0 + t * t * (1.5 * t - 2.5);
    let next = t * (0.5 + t * (2.0 - 1.5 * t));
    let after = t * t * (0.5 * t - 0.5);
    let inner = here + next;
    let x = vec3<f32>(center.x - 1.0, center.x + next.x / inner.x, center.x + 2.0) / texels.x;
    let y = vec3<f32>(center.y - 1.0, center.y + next.y / inner.y, center.y + 2.0) / texels.y;
    let weight_x = vec3<f32>(before.x, inner.x, after.x);
    let weight_y = vec3<f32>(before.y, inner.y, after.y);
    var sum = vec3<f32>(0.0);
    for (var row = 0; row < 3; row++) {
        for (var column = 0; column < 3; column++) {
            let texel = textureSampleLevel(image, linear_sampler, vec2<f32>(x[column], y[row]), 0.0).rgb;
            sum += weight_x[column] * weight_y[row] * texel;
        }
    }
    return clamp(sum, vec3<f32>(0.0), vec3<f32>(1.0));
}

// Where the texture is coarser than the screen a cubic: a line between pixels would show their grid. Where it is finer, four samples
// to a screen pixel, so that large photos do not shimmer.
fn smooth_sample(image: texture_2d<f32>, at: vec2<f32>, step_x: vec2<f32>, step_y: vec2<f32>) -> vec3<f32> {
    let texels = vec2<f32>(textureDimensions(image));
    if length(step_x * texels) < 1.0 {
        return cubic_sample(image, at, texels);
    }
    var sum = vec3<f32>(0.0);
    for (var i = 0; i < 4; i++) {
        let offset = (vec2<f32>(f32(i & 1), f32(i >> 1u)) - 0.5) * 0.5;
        sum += textureSampleLevel(image, linear_sampler, at + step_x * offset.x + step_y * offset.y, 0.0).rgb;
    }
    return sum * 0.25;
}

fn direction(affine: Affine, canvas_step: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(dot(affine.x.xy, canvas_step), dot(affine.y.xy, canvas_step));
}

fn linear_from_gamma(color: vec3<f32>) -> vec3<f32> {
    let low = color / 12.92;
    let high = pow((color + 0.055) / 1.055, vec3<f32>(2.4));
    return select(high, low, color <= vec3<f32>(0.04045));
}

@fragment
fn fragment(in: Vertex) -> @location(0) vec4<f32> {
    var points = in.points;
    var shows_source = points.x < u.compare.x;
    if has(IS_PAIR) && points.x < u.compare.y {
        points.x += u.compare.z;
        shows_source = true;
    }
    let at = map(u.canvas_from_points, points);
    // Screen pixels in canvas pixels; derivatives need every fragment to come here.
    let step_x = dpdx(map(u.canvas_from_points, in.points));
    let step_y = dpdy(map(u.canvas_from_points, in.points));
    let mask_at = (at - u.mask_offset_tint_density.xy) / CANVAS_SIZE_PX;
    let weights = textureSampleLevel(mask, linear_sampler, mask_at, 0.0).rg;
    let is_on_mask = has(HAS_MASK) && is_within(mask_at) && is_within(at / CANVAS_SIZE_PX);
    let painted = select(vec2<f32>(0.0), weights, is_on_mask);
    // Of the mask as it goes on beyond the canvas: where the canvas ends nothing painted ends, and no line is drawn.
    let slope = fwidth(weights.x);

    let base_at = map(u.base_from_canvas, at);
    if !is_within(base_at) {
        return vec4<f32>(0.0);
    }
    var color: vec3<f32>;
    if shows_source && has(HAS_SOURCE) {
        let source_at = map(u.source_from_canvas, at);
        color = smooth_sample(source, source_at, direction(u.source_from_canvas, step_x), direction(u.source_from_canvas, step_y));
    } else if has(IS_NEAREST) {
        let texel = vec2<i32>(base_at * vec2<f32>(textureDimensions(base)));
        color = textureLoad(base, texel, 0).rgb;
    } else {
        color = smooth_sample(base, base_at, direction(u.base_from_canvas, step_x), direction(u.base_from_canvas, step_y));
    }
    let patch_at = map(u.patch_from_canvas, at);
    if has(HAS_PATCH) && !shows_source && is_within(patch_at) {
        color = smooth_sample(patch_, patch_at, direction(u.patch_from_canvas, step_x), direction(u.patch_from_canvas, step_y));
    }
    if has(HAS_GRID) && !shows_source {
        // Lines between the picture's pixels, a screen pixel wide.
        let density = u.mask_offset_tint_density.w;
        let cell = fract(at * density);
        let near = min(cell, 1.0 - cell) / (length(step_x) * density);
        if min(near.x, near.y) < 0.5 {
            color = mix(color, vec3<f32>(select(1.0, 0.0, dot(color, vec3<f32>(0.3, 0.6, 0.1)) > 0.5)), 0.22);
        }
    }
    if has(IS_ISOLATED) && !shows_source {
        let squares = vec2<i32>(floor(in.points / 8.0));
        let square = select(0.24, 0.31, ((squares.x + squares.y) & 1) == 0);
        color = mix(vec3<f32>(square), color, painted.x);
    }
    if has(HAS_VEIL) && !shows_source {
        let veil_at = at / CANVAS_SIZE_PX;
        let over = textureSampleLevel(veil, linear_sampler, veil_at, 0.0);
        let is_on_canvas = is_within(veil_at);
        if has(IS_MASK_ALONE) {
            // Around the canvas there is no mask.
            color = select(color * 0.25, over.rgb, is_on_canvas);
        } else if is_on_canvas {
            color = color * (1.0 - over.a) + over.rgb;
        }
    }
    if !shows_source && is_on_mask {
        let tint = u.mask_offset_tint_density.z * painted.x + PENDING_TINT * abs(painted.x - painted.y);
        color = mix(color, u.mask_color.rgb, min(tint, 1.0));
        if has(HAS_OUTLINE) {
            // Where the mask crosses one half: a line of the same width at every zoom, with a shade outside, as a line of
            // the layer's colour alone would be lost on a ground of that colour.
            let distance_px = (painted.x - 0.5) / max(slope, 0.002);
            let line = 1.0 - smoothstep(0.5, 1.5, abs(distance_px - 0.75));
            let shade = 1.0 - smoothstep(0.5, 1.5, abs(distance_px + 1.0));
            color = mix(color, vec3<f32>(0.0), 0.43 * shade);
            color = mix(color, u.mask_color.rgb, line);
        }
    }
    if has(HAS_LINEAR_OUTPUT) {
        color = linear_from_gamma(color);
    }
    return vec4<f32>(color, 1.0);
}
