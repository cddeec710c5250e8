/** The text of digits.csv as datasets, split into training and test images. Reads no file, so that a page can use it too. */
import { data, type Tensor, tensor } from 'quantgrad';

export const SIDE = 8;
const PIXELS = SIDE * SIDE;
/** Pixels are 0 to 16. */
const WHITE = 16;
/** One image of this many of each digit is for the test. */
const TEST_SHARE = 5;

export type DigitsDataset = data.TensorDataset<readonly [Tensor, Tensor]>;

export interface Digit {
  readonly label: number;
  readonly pixels: readonly number[];
}

function parse(text: string, name: string): Digit[] {
  const [, ...lines] = text.trimEnd().split('\n');
  return lines.map((line, index) => {
    const [label, ...pixels] = line.split(',').map(Number);
    if (pixels.length !== PIXELS || ![label, ...pixels].every(Number.isInteger)) {
      throw new Error(`${name}, line ${index + 2}: expected a label and ${PIXELS} whole numbers.`);
    }
    return { label, pixels: pixels.map((pixel) => pixel / WHITE) };
  });
}

/** Images [N, 1, 8, 8] from 0 to 1, and labels [N]. */
export function toDataset(digits: readonly Digit[]): DigitsDataset {
  const images = Float32Array.from(digits.flatMap(({ pixels }) => pixels));
  const labels = Int32Array.from(digits, ({ label }) => label);
  return new data.TensorDataset(tensor(images, { shape: [digits.length, 1, SIDE, SIDE] }), tensor(labels));
}

/**
 * The split is the same at every call: the last of every five images of each digit is for the test. Pixels are from 0 to 1.
 * @param name Of the file, for errors.
 */
export function splitDigits(text: string, name: string): { train: Digit[]; test: Digit[] } {
  const train: Digit[] = [];
  const test: Digit[] = [];
  const seen = new Map<number, number>();
  for (const digit of parse(text, name)) {
    const count = (seen.get(digit.label) ?? 0) + 1;
    seen.set(digit.label, count);
    (count % TEST_SHARE === 0 ? test : train).push(digit);
  }
  return { train, test };
}
