/** The three networks: how well they read, and how large their files are. */
import { kilobytes, percentOrDash } from '../format.js';
import type { Session } from '../session/session.js';
import { useStore } from '../store.js';

export function NetworkTable({ session }: { session: Session }) {
  const { float, quantized, fineTuned } = useStore(session.store, (state) => state.accuracies);
  const sizes = useStore(session.store, (state) => state.sizes);
  const bits = useStore(session.store, (state) => state.quantization?.bits ?? null);
  const size = (bytes: number | null): string => (bytes === null ? '–' : kilobytes(bytes));
  const smaller = sizes.float && sizes.quantized ? `${(sizes.float / sizes.quantized).toFixed(1)} times smaller` : '';
  const rows = [
    { id: 'float', tone: 'float', name: 'Float', accuracy: float, bits: '32', size: size(sizes.float), note: '' },
    {
      id: 'quantized',
      tone: 'quantized',
      name: 'Quantized',
      accuracy: quantized,
      bits: bits ?? '–',
      size: size(sizes.quantized),
      note: smaller,
    },
    {
      id: 'tuned',
      tone: 'tuned',
      name: 'Fine-tuned',
      accuracy: fineTuned,
      bits: fineTuned === null ? '–' : bits,
      size: size(fineTuned === null ? null : sizes.quantized),
      note: fineTuned === null ? '' : smaller,
    },
  ];
  return (
    <div class="networks">
      <table id="networks">
        <caption>The three networks</caption>
        <thead>
          <tr>
            <th scope="col">Network</th>
            <th scope="col">Bits</th>
            <th scope="col">Accuracy</th>
            <th scope="col">File</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id} class={`tone-${row.tone}`}>
              <th scope="row">{row.name}</th>
              <td>{row.bits}</td>
              <td id={`accuracy-${row.id}`}>{percentOrDash(row.accuracy)}</td>
              <td id={`size-${row.id}`}>
                {row.size}
                {row.note && <small>{row.note}</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {bits !== null && bits < 8 && (
        <p class="hint">
          The file keeps each number in 8 bits, the fewest that OpenVINO counts with here; {bits} bits would fit in
          less.
        </p>
      )}
    </div>
  );
}
