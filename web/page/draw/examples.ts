/**
 * One image of each digit to look at, from the UCI set's test part (the network never trains on it). A letter is a cell:
 * 0 to 9, a to g for 0 to 16 sixteenths of ink. Source and licence: examples/digits/README.md.
 */
import type { Cells } from './grid.js';

const WHOLE = 16;
const BASE = 17;

const IMAGES: readonly string[] = [
  '00aca00003ggg40007f38d0008c00e1008c0078005d0048000e80a80007cdc40',
  '00007d500000fg80001dgg3000cggg0008g3gd000230gc000000gd0000008c00',
  '00de810001ggg6000035g8000009g200001g900001gd000005gb440001decc00',
  '06ggf70002bcgg500000ef200001gb000000ee0000005g900037cg7003ggfb10',
  '0006g400001df10001bg500008ga0a600cg89gc002fggg700004gb000007g300',
  '06d5881008gggg6006g9640006ggf5000045fc000003g900018df30004gf3000',
  '003b000000cb000001e1000002f0000004ffgf2001g848b001gb7ac0005acf70',
  '006fg30003gcf8000040e6000002g620004egg8000fg7000006g000000790000',
  '007dgb0003g54e2008b14f2003ceg800008gf10001f5bc0003g57g10005egf20',
  '003bfd2002fb8e7008e02d2003dggf100000e5000007e000001f4000002g1000',
];

/** By digit. */
export const EXAMPLES: readonly Cells[] = IMAGES.map((image) =>
  Float32Array.from(image, (letter) => Number.parseInt(letter, BASE) / WHOLE),
);
