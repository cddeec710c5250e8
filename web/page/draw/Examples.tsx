/** A strip of ten digits to try, for who does not want to draw. */
import { CellsImage } from './CellsImage.js';
import { EXAMPLES } from './examples.js';
import type { Cells } from './grid.js';

export function Examples({ onChoose }: { onChoose(cells: Cells, digit: number): void }) {
  return EXAMPLES.map((cells, digit) => (
    <button
      type="button"
      key={`example-${digit}`}
      id={`example-${digit}`}
      class="example"
      aria-label={`A handwritten ${digit}`}
      onClick={() => onChoose(cells, digit)}
    >
      <CellsImage cells={cells} />
    </button>
  ));
}
