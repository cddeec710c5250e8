/** Step 4: what the numbers of a layer look like, and what becomes of accuracy when their range is moved. */
import { useState } from 'preact/hooks';
import type { LayerHistogram } from '../../protocol.js';
import { Action } from '../controls/Action.js';
import { Choice } from '../controls/Choice.js';
import { Select } from '../controls/Select.js';
import { StepHead } from '../controls/StepHead.js';
import { percent, percentOrDash, plural, short, whole } from '../format.js';
import type { Session } from '../session/session.js';
import { useStore } from '../store.js';
import { Histogram } from './Histogram.js';
import { optionName } from './layerNames.js';
import { useRange } from './useRange.js';

type Kind = LayerHistogram['kind'];

const KINDS = [
  { value: 'weights' as const, label: 'Weights' },
  { value: 'activations' as const, label: 'Activations' },
];
const KIND_HINT: Readonly<Record<Kind, string>> = {
  weights: 'Weights are what the network has learned.',
  activations: 'Activations are what it computes while it looks at a digit.',
};

function inWords({ kind, total, zeros, grid, clipped, edges }: LayerHistogram): string {
  const values = `${whole(total)} ${kind} from ${short(edges[0])} to ${short(edges.at(-1) as number)}.`;
  const none = zeros > 0 ? ` ${percent(zeros / total)} are exactly zero and not drawn.` : '';
  if (!grid) return `${values}${none}`;
  const channels =
    grid.channels > 1
      ? ` Each of its ${plural(grid.channels, 'channel')} has a range of its own; the widest is drawn.`
      : '';
  return `${values}${none} ${percent(clipped)} lie outside the range and are cut off.${channels}`;
}

export function InsidePanel({ session }: { session: Session }) {
  const histograms = useStore(session.store, (state) => state.histograms);
  const accuracies = useStore(session.store, (state) => state.accuracies);
  const [kind, setKind] = useState<Kind>('weights');
  const [chosen, setChosen] = useState<Readonly<Record<Kind, string>>>({ weights: '', activations: '' });
  const all = histograms.filter((one) => one.kind === kind);
  const histogram = all.find(({ id }) => id === chosen[kind]) ?? all[0];
  const grid = histogram?.grid ?? null;
  const { range, move, release } = useRange(session, grid);
  const accuracy = accuracies.fineTuned ?? accuracies.quantized;
  const tone = accuracies.fineTuned === null ? 'quantized' : 'tuned';
  return (
    <section class="step" id="inside" aria-labelledby="inside-title">
      <StepHead id="inside" number={4} title="Look inside">
        All numbers of a layer must make do with a few values. Spread wide, the values cut nothing off but are coarse;
        close together they are fine, but what lies outside is cut off. Drag the two ends and watch the accuracy.
      </StepHead>
      <div class="fields">
        <Choice<Kind>
          id="kind"
          label="Numbers"
          hint={KIND_HINT[kind]}
          value={kind}
          options={KINDS}
          onChoose={setKind}
        />
        <Select
          id="layer"
          label="Layer"
          hint="The network works in layers, one behind the other."
          value={histogram?.id ?? ''}
          options={all.map((one) => ({ value: one.id, label: optionName(one) }))}
          onChoose={(id) => setChosen({ ...chosen, [kind]: id })}
        />
      </div>
      {histogram && (
        <div class="inside">
          <figure>
            <ul class="legend">
              <li class="legend-bars">How many numbers</li>
              {grid && <li class={`legend-${tone}`}>Values it can round to</li>}
              {grid && <li class="legend-cut">Cut off</li>}
            </ul>
            <Histogram
              histogram={histogram}
              range={range}
              tone={tone}
              text={inWords(histogram)}
              meaning={`Accuracy ${percentOrDash(accuracy)}`}
              onMove={move}
              onRelease={release}
            />
            <figcaption class="hint" id="histogram-text">
              {inWords(histogram)}
            </figcaption>
          </figure>
          <div class="inside-side">
            <p class="big-figure">
              <span class="label">Accuracy now</span>
              <output id="inside-accuracy" class={`tone-${tone}`}>
                {percentOrDash(accuracy)}
              </output>
              <span class="hint">{`Float: ${percentOrDash(accuracies.float)}`}</span>
            </p>
            <p class="hint" id="range-hint">
              {grid && range
                ? `${grid.levels} values, ${short((range.high - range.low) / (grid.levels - 1))} apart, from ${short(range.low)} to ${short(range.high)}. Drag an end, or move it with the arrow keys.`
                : 'Quantize the network in step 3: the values that it can round to are then drawn over the bars.'}
            </p>
            <Action
              id="range-reset"
              label="Reset range"
              hint="Puts the ends back to where they were."
              disabled={!grid?.moved}
              onPress={() => {
                if (grid) void session.resetRange(grid.quantizer).then(() => session.refreshHistograms());
              }}
            />
          </div>
        </div>
      )}
    </section>
  );
}
