// From values to grey: everything up to `low` is black, from `high` on white. In the picture's own values.

const NARROWEST = 1;

export class Tone {
  constructor([low, high]) {
    this.low = low;
    this.high = high;
    this.isInverted = false;
  }

  get width() {
    return this.high - this.low;
  }

  get centre() {
    return (this.high + this.low) / 2;
  }

  set window([low, high]) {
    [this.low, this.high] = [low, Math.max(high, low + NARROWEST)];
  }

  // To the right for less contrast, up for a brighter picture.
  drag([right, down], range) {
    const width = Math.min(Math.max(this.width * Math.exp(right / 250), NARROWEST), 2 * range);
    const centre = this.centre + (down / 500) * Math.max(this.width, range / 16);
    this.window = [centre - width / 2, centre + width / 2];
  }
}

// Shares of the pixels, darkest first, without the black around the film. A chest shows air darker than muscle, and
// muscle darker than bone.
const SHARES = { full: [0, 1], soft: [0.25, 0.97], lungs: [0.005, 0.6], bone: [0.55, 0.999] };

export function preset(name, { histogram }) {
  const [low, high] = SHARES[name];
  const used = histogram.reduce((sum, count) => sum + count, 0) - histogram[0] || 1;
  return [quantile(histogram, low * used), quantile(histogram, high * used)];
}

function quantile(histogram, rank) {
  let passed = 0;
  let last = 0;
  for (let value = 1; value < histogram.length; value += 1) {
    if (!histogram[value]) continue;
    passed += histogram[value];
    last = value;
    if (passed > rank) return value;
  }
  return last;
}
