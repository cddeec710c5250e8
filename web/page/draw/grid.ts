/** The network's input: 8 rows of 8 cells, row by row, each from 0 (paper) to 1 (ink). */
export const SIDE = 8;
export const CELLS = SIDE * SIDE;

export type Cells = Float32Array;

export const emptyCells = (): Cells => new Float32Array(CELLS);

export const isBlank = (cells: Cells): boolean => cells.every((ink) => ink === 0);
