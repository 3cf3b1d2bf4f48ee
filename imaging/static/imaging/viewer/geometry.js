// Where a picture lies in its window. A length is in CSS pixels where it is of the window, else in the picture's.

const FARTHEST = 0.5; // of what fits, and of what small pictures are
const NEAREST = 32; // window's pixels for one of the picture's
const AS_IT_IS = [1, 0, 0, 1];

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Matrices [a, b, c, d]: x' = a x + b y, y' = c x + d y.
const after = ([a, b, c, d], [e, f, g, h]) => [a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h];
const apply = ([a, b, c, d], [x, y]) => [a * x + b * y, c * x + d * y];
const transposed = ([a, b, c, d]) => [a, c, b, d]; // which undoes a turn and a mirror
const CLOCKWISE = [0, -1, 1, 0];
const MIRRORED = [-1, 0, 0, 1];

export class View {
  constructor(size) {
    this.size = size;
    this.port = [1, 1];
    this.reset();
  }

  reset() {
    this.turned = AS_IT_IS;
    this.fit();
  }

  get fitting() {
    const [width, height] = apply(this.turned, this.size).map(Math.abs);
    return Math.min(this.port[0] / width, this.port[1] / height);
  }

  fit() {
    this.isFitted = true;
    this.scale = this.fitting;
    this.centre = this.size.map((length) => length / 2);
  }

  resize(port) {
    const zoom = this.scale / this.fitting;
    this.port = port;
    if (this.isFitted) this.fit();
    else this.scale = zoom * this.fitting;
  }

  toPicture(point) {
    const [x, y] = apply(transposed(this.turned), point.map((value, axis) => (value - this.port[axis] / 2) / this.scale));
    return [x + this.centre[0], y + this.centre[1]];
  }

  toWindow(point) {
    return apply(this.turned, point.map((value, axis) => value - this.centre[axis])).map((value, axis) => value * this.scale + this.port[axis] / 2);
  }

  moveBy(distance) {
    const [x, y] = apply(transposed(this.turned), distance);
    this.#look([this.centre[0] - x / this.scale, this.centre[1] - y / this.scale]);
  }

  // `at` keeps its place in the window.
  zoomTo(scale, at = this.port.map((length) => length / 2)) {
    const [x, y] = this.toPicture(at);
    this.scale = clamp(scale, Math.min(this.fitting, 1) * FARTHEST, Math.max(NEAREST, this.fitting));
    this.isFitted = false;
    const [nowX, nowY] = this.toPicture(at);
    this.#look([this.centre[0] + x - nowX, this.centre[1] + y - nowY]);
  }

  zoomBy(factor, at) {
    this.zoomTo(this.scale * factor, at);
  }

  turn(quarters) {
    for (let n = 0; n < quarters; n += 1) this.turned = after(CLOCKWISE, this.turned);
    this.#settle();
  }

  mirror() {
    this.turned = after(MIRRORED, this.turned);
    this.#settle();
  }

  // How it was turned, as people say it: so many degrees clockwise, and then mirrored or not.
  get orientation() {
    const [a, b, c, d] = this.turned;
    const isMirrored = a * d - b * c < 0;
    const [cosine, , sine] = isMirrored ? after(MIRRORED, this.turned) : this.turned;
    return { isMirrored, degrees: (Math.round(Math.atan2(sine, cosine) / (Math.PI / 2)) * 90 + 360) % 360 };
  }

  // What two films of different sizes can have in common.
  get stand() {
    return { zoom: this.scale / this.fitting, at: this.centre.map((value, axis) => value / this.size[axis]), isFitted: this.isFitted };
  }

  set stand({ zoom, at, isFitted }) {
    this.scale = zoom * this.fitting;
    this.centre = at.map((value, axis) => value * this.size[axis]);
    this.isFitted = isFitted;
  }

  // For what is laid over the picture, in its own pixels.
  get cssTransform() {
    const [a, b, c, d] = this.turned.map((value) => value * this.scale);
    const [x, y] = this.toWindow([0, 0]);
    return `matrix(${a}, ${c}, ${b}, ${d}, ${x}, ${y})`;
  }

  // For a renderer: a device pixel's distance from the middle of the window, times this, is one in the picture.
  toPictureBy(ratio) {
    return transposed(this.turned).map((value) => value / (this.scale * ratio));
  }

  #settle() {
    if (this.isFitted) this.fit();
  }

  #look(centre) {
    this.centre = centre.map((value, axis) => clamp(value, 0, this.size[axis]));
  }
}
