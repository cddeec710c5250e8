/** A strip of ten digits to try, for who does not want to draw. */
import { CellsImage } from './CellsImage.js';
import { EXAMPLES } from './examples.js';
import type { Cells } from './grid.js';

const SIZE = 24;

export function Examples({ onChoose }: { onChoose(cells: Cells, digit: number): void }) {
  return (
    <ul class="examples" aria-labelledby="examples-label">
      {EXAMPLES.map((cells, digit) => (
        <li key={`example-${digit}`}>
          <button
            type="button"
            id={`example-${digit}`}
            class="example"
            aria-label={`A handwritten ${digit}`}
            onClick={() => onChoose(cells, digit)}
          >
            <CellsImage cells={cells} size={SIZE} />
          </button>
        </li>
      ))}
    </ul>
  );
}
