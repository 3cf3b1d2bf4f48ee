// Draws a picture's values on the GPU (WebGL2), as integers of up to 16 bits: window and level are sums in a shader.

const CORNERS = `#version 300 es
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

const GREY = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D picture;
uniform vec2 size, port, centre;
uniform mat2 toPicture;
uniform float low, high;
uniform bool isInverted;
uniform vec3 lens;      // its middle and radius, in the window
uniform vec2 under;     // what shows in its middle
uniform float stronger; // how much it magnifies
uniform ivec2 level;    // of the picture, and of what a lens shows
out vec4 colour;

float valueAt(ivec2 at, int of, ivec2 last) {
  return float(texelFetch(picture, clamp(at, ivec2(0), last), of).r);
}

// Integers are not smoothed by the hardware.
float smoothValue(vec2 at, int of) {
  ivec2 extent = textureSize(picture, of);
  vec2 place = at * vec2(extent) / size - 0.5;
  ivec2 first = ivec2(floor(place));
  ivec2 last = extent - 1;
  vec2 part = place - floor(place);
  return mix(
    mix(valueAt(first, of, last), valueAt(first + ivec2(1, 0), of, last), part.x),
    mix(valueAt(first + ivec2(0, 1), of, last), valueAt(first + ivec2(1, 1), of, last), part.x),
    part.y);
}

void main() {
  vec2 at = vec2(gl_FragCoord.x, port.y - gl_FragCoord.y);
  int of = level.x;
  if (distance(at, lens.xy) < lens.z) {
    at = under + (at - lens.xy) / stronger;
    of = level.y;
  }
  vec2 place = toPicture * (at - port / 2.0) + centre;
  if (any(lessThan(place, vec2(0))) || any(greaterThanEqual(place, size))) discard;
  float grey = clamp((smoothValue(place, of) - low) / (high - low), 0.0, 1.0);
  colour = vec4(vec3(isInverted ? 1.0 - grey : grey), 1.0);
}`;

const OPTIONS = { alpha: true, antialias: false, depth: false, failIfMajorPerformanceCaveat: true };

// A processor that plays a GPU is slower than one that draws without.
const PLAYED = /swiftshader|llvmpipe|software|basic render/i;

function hasGpu() {
  const gl = document.createElement("canvas").getContext("webgl2", OPTIONS);
  if (!gl) return false;
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  gl.getExtension("WEBGL_lose_context")?.loseContext(); // browsers give a page few of them
  return !PLAYED.test(name);
}

const UNIFORMS = ["size", "port", "centre", "toPicture", "low", "high", "isInverted", "lens", "under", "stronger", "level"];

const NO_LENS = { place: [0, 0], under: [0, 0], radius: -1, stronger: 1 };

export class GlRenderer {
  static on(canvas) {
    return hasGpu() ? new GlRenderer(canvas.getContext("webgl2", OPTIONS)) : null;
  }

  constructor(gl) {
    this.gl = gl;
    this.ratio = window.devicePixelRatio || 1;
    this.program = linked(gl);
    this.at = Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(this.program, name)]));
    this.textures = new WeakMap();
    gl.useProgram(this.program);
  }

  draw(picture, view, tone, lens) {
    const { gl, at, ratio } = this;
    const { width, height } = gl.canvas;
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const texture = this.#textureOf(picture);
    gl.bindTexture(gl.TEXTURE_2D, texture.handle);
    gl.uniform2fv(at.size, picture.size);
    gl.uniform2f(at.port, view.port[0] * ratio, view.port[1] * ratio);
    gl.uniform2fv(at.centre, view.centre);
    const [a, b, c, d] = view.toPictureBy(ratio);
    gl.uniformMatrix2fv(at.toPicture, false, [a, c, b, d]);
    gl.uniform1f(at.low, tone.low);
    gl.uniform1f(at.high, tone.high);
    gl.uniform1i(at.isInverted, tone.isInverted);
    const { place, under, radius, stronger } = lens ?? NO_LENS;
    gl.uniform3f(at.lens, place[0] * ratio, place[1] * ratio, radius * ratio);
    gl.uniform2f(at.under, under[0] * ratio, under[1] * ratio);
    gl.uniform1f(at.stronger, stronger);
    const levelFor = (scale) => Math.max(levelAt(picture, scale) - texture.first, 0);
    gl.uniform2i(at.level, levelFor(view.scale * ratio), levelFor(view.scale * ratio * stronger));
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  #textureOf(picture) {
    if (!this.textures.has(picture)) this.textures.set(picture, uploaded(this.gl, picture));
    return this.textures.get(picture);
  }

  forget(picture) {
    if (!this.textures.has(picture)) return;
    this.gl.deleteTexture(this.textures.get(picture).handle);
    this.textures.delete(picture);
  }
}

// Of the sizes that a picture has, the one to draw at so many device pixels for one of its own.
export function levelAt(picture, scale) {
  return Math.min(Math.max(Math.floor(Math.log2(1 / scale) + 0.3), 0), picture.levels.length - 1);
}

function uploaded(gl, picture) {
  const most = gl.getParameter(gl.MAX_TEXTURE_SIZE);
  const first = picture.levels.findIndex(({ width, height }) => Math.max(width, height) <= most);
  const levels = picture.levels.slice(first);
  const isDeep = levels[0].values instanceof Uint16Array;
  const handle = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, handle);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST_MIPMAP_NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.texStorage2D(gl.TEXTURE_2D, levels.length, isDeep ? gl.R16UI : gl.R8UI, levels[0].width, levels[0].height);
  levels.forEach(({ width, height, values }, n) => {
    gl.texSubImage2D(gl.TEXTURE_2D, n, 0, 0, width, height, gl.RED_INTEGER, isDeep ? gl.UNSIGNED_SHORT : gl.UNSIGNED_BYTE, values);
  });
  return { handle, first };
}

function linked(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, CORNERS], [gl.FRAGMENT_SHADER, GREY]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  return program;
}
