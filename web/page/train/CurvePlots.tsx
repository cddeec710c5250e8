/** Loss and accuracy over the epochs, for the three networks. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { CurvePoint } from '../../protocol.js';
import { percent, short } from '../format.js';
import { toColumns } from '../session/curves.js';
import type { Session } from '../session/session.js';
import { useStore } from '../store.js';
import type { Colours } from '../theme.js';
import { Plot } from './Plot.js';
import { type Line, plotOptions } from './plotOptions.js';

const LOSS: readonly Line[] = [
  { label: 'Float', colour: 'float' },
  { label: 'Fine-tuned', colour: 'tuned' },
];
const ACCURACY: readonly Line[] = [
  { label: 'Float', colour: 'float', points: true },
  { label: 'Quantized', colour: 'quantized', dash: [6, 5] },
  { label: 'Fine-tuned', colour: 'tuned', points: true },
];

const GOOD = 0.9;
const STEP = 0.1;

const lossOptions = (colours: Colours, width: number, epochs: () => number) =>
  plotOptions(colours, {
    width,
    epochs,
    lines: LOSS,
    range: (_plot, _min, max) => [0, Math.max(0.1, (max ?? 0) * 1.08)],
    format: short,
  });
/**
 * Once the network reads well, the beginning of the float curve is left below the plot: what rounding costs could not be seen
 * beside it.
 */
function lowestShown([, float, quantized, tuned]: uPlot.AlignedData): number {
  const known = (values: typeof float): number[] => Array.from(values).filter((value) => value != null);
  if (Math.max(0, ...known(float)) < GOOD) return 0;
  const lowest = Math.min(GOOD - STEP, ...known(quantized), ...known(tuned));
  return Math.max(0, Math.floor(lowest / STEP) * STEP);
}

const accuracyOptions = (colours: Colours, width: number, epochs: () => number) =>
  plotOptions(colours, {
    width,
    epochs,
    lines: ACCURACY,
    range: (plot) => [lowestShown(plot.data), 1],
    format: (share) => `${Math.round(100 * share)}%`,
  });

function lastOf(points: readonly CurvePoint[], phase: CurvePoint['phase'], key: 'loss' | 'accuracy'): number | null {
  for (let index = points.length - 1; index >= 0; index--) {
    const value = points[index][key];
    if (points[index].phase === phase && value !== null) return value;
  }
  return null;
}

function sentence(parts: readonly (readonly [string, number | null])[], format: (value: number) => string): string {
  const known = parts.flatMap(([name, value]) => (value === null ? [] : [`${name} ${format(value)}`]));
  return known.length > 0 ? `Last: ${known.join(', ')}.` : 'Nothing yet: start training.';
}

export function CurvePlots({ session }: { session: Session }) {
  const { curves } = session;
  const [points, setPoints] = useState<readonly CurvePoint[]>(() => [...curves.points]);
  const quantized = useStore(session.store, (state) => state.accuracies.quantized);
  useEffect(() => {
    const update = (): void => setPoints([...curves.points]);
    update();
    return curves.subscribe(update);
  }, [curves]);
  const planned = useStore(session.store, (state) => state.settings.epochs);
  const columns = useMemo(() => toColumns(points, quantized), [points, quantized]);
  const [loss, accuracy] = useMemo(() => {
    const { epochs } = columns;
    return [
      [[...epochs], [...columns.floatLoss], [...columns.fineTuneLoss]],
      [[...epochs], [...columns.floatAccuracy], [...columns.quantizedAccuracy], [...columns.fineTuneAccuracy]],
    ] as [uPlot.AlignedData, uPlot.AlignedData];
  }, [columns]);
  const lossText = sentence(
    [
      ['float', lastOf(points, 'float', 'loss')],
      ['fine-tuned', lastOf(points, 'fineTune', 'loss')],
    ],
    short,
  );
  const accuracyText = sentence(
    [
      ['float', lastOf(points, 'float', 'accuracy')],
      ['quantized', quantized],
      ['fine-tuned', lastOf(points, 'fineTune', 'accuracy')],
    ],
    percent,
  );
  return (
    <div class="plots">
      <Plot
        id="plot-loss"
        title="Loss: how wrong it is"
        text={lossText}
        lines={LOSS}
        data={loss}
        epochs={planned}
        options={lossOptions}
      />
      <Plot
        id="plot-accuracy"
        title="Accuracy: test digits it reads correctly"
        text={accuracyText}
        lines={ACCURACY}
        data={accuracy}
        epochs={planned}
        options={accuracyOptions}
      />
    </div>
  );
}
