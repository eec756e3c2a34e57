/**
 * How different two colours look: CIEDE2000 (Sharma, Wu, Dalal 2005) of sRGB colours seen under D65. Pure. About 1 is the least that an
 * observer sees side by side.
 */

export interface Lab {
  readonly lightness: number;
  readonly a: number;
  readonly b: number;
}

const WHITE = { x: 0.95047, y: 1, z: 1.08883 };
const LINEAR = Float32Array.from({ length: 256 }, (_, value) => toLinear(value / 255));

/** Light of an sRGB byte, 0–1. */
export function linearOf(byte: number): number {
  return LINEAR[byte]!;
}

/** @param red linear light, 0–1, as are the others. */
export function labOf(red: number, green: number, blue: number): Lab {
  const x = cubeRoot((0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / WHITE.x);
  const y = cubeRoot((0.2126729 * red + 0.7151522 * green + 0.072175 * blue) / WHITE.y);
  const z = cubeRoot((0.0193339 * red + 0.119192 * green + 0.9503041 * blue) / WHITE.z);
  return { lightness: 116 * y - 16, a: 500 * (x - y), b: 200 * (y - z) };
}

/** CIEDE2000, all weights 1. */
export function colourDistance(one: Lab, other: Lab): number {
  const chromaMean7 = ((Math.hypot(one.a, one.b) + Math.hypot(other.a, other.b)) / 2) ** 7;
  const stretch = 1 + 0.5 * (1 - Math.sqrt(chromaMean7 / (chromaMean7 + 25 ** 7)));
  const [a1, a2] = [one.a * stretch, other.a * stretch];
  const [chroma1, chroma2] = [Math.hypot(a1, one.b), Math.hypot(a2, other.b)];
  const [hue1, hue2] = [degrees(one.b, a1), degrees(other.b, a2)];
  const grey = chroma1 * chroma2 === 0;

  let turn = grey ? 0 : hue2 - hue1;
  if (turn > 180) turn -= 360;
  if (turn < -180) turn += 360;
  const lightnessStep = other.lightness - one.lightness;
  const chromaStep = chroma2 - chroma1;
  const hueStep = 2 * Math.sqrt(chroma1 * chroma2) * Math.sin(radians(turn / 2));

  const lightness = (one.lightness + other.lightness) / 2;
  const chroma = (chroma1 + chroma2) / 2;
  let hue = hue1 + hue2;
  if (!grey) {
    if (Math.abs(hue1 - hue2) > 180) hue += hue < 360 ? 360 : -360;
    hue /= 2;
  }
  const t =
    1 -
    0.17 * Math.cos(radians(hue - 30)) +
    0.24 * Math.cos(radians(2 * hue)) +
    0.32 * Math.cos(radians(3 * hue + 6)) -
    0.2 * Math.cos(radians(4 * hue - 63));
  const away = (lightness - 50) ** 2;
  const lightnessScale = 1 + (0.015 * away) / Math.sqrt(20 + away);
  const chromaScale = 1 + 0.045 * chroma;
  const hueScale = 1 + 0.015 * chroma * t;
  const chroma7 = chroma ** 7;
  const rotation =
    -2 * Math.sqrt(chroma7 / (chroma7 + 25 ** 7)) * Math.sin(radians(60 * Math.exp(-(((hue - 275) / 25) ** 2))));
  const l = lightnessStep / lightnessScale;
  const c = chromaStep / chromaScale;
  const h = hueStep / hueScale;
  return Math.sqrt(Math.max(0, l * l + c * c + h * h + rotation * c * h));
}

function toLinear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function cubeRoot(value: number): number {
  return value > 216 / 24389 ? Math.cbrt(value) : ((24389 / 27) * value + 16) / 116;
}

function degrees(b: number, a: number): number {
  if (a === 0 && b === 0) return 0;
  const angle = (Math.atan2(b, a) * 180) / Math.PI;
  return angle < 0 ? angle + 360 : angle;
}

function radians(angle: number): number {
  return (angle * Math.PI) / 180;
}
