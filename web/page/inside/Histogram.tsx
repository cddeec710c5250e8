/** A layer's values with the quantizer's codes over them, and the handles of its range. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { LayerHistogram } from '../../protocol.js';
import { useColours, useWidth } from '../theme.js';
import { histogramOptions, type Shown, SIDE_ROOM } from './histogramOptions.js';
import { RangeHandle } from './RangeHandle.js';
import { moveEnd, type Span, viewOf } from './view.js';

interface Props {
  readonly histogram: LayerHistogram;
  /** Where the ends are now: of the grid, or where they are being dragged to. */
  readonly range: Span | null;
  readonly tone: 'quantized' | 'tuned';
  /** For who does not see the bars. */
  readonly text: string;
  readonly meaning: string;
  onMove(range: Span): void;
  onRelease(): void;
}

/** Middles of the bins, and counts without the exact zeros, which would dwarf all others. */
function toData({ edges, counts, zeros }: LayerHistogram): uPlot.AlignedData {
  const middles = counts.map((_, bin) => (edges[bin] + edges[bin + 1]) / 2);
  const last = counts.length - 1;
  const zeroBin = counts.findIndex((_, bin) => edges[bin] <= 0 && (0 < edges[bin + 1] || bin === last));
  return [middles, counts.map((count, bin) => (bin === zeroBin ? Math.max(0, count - zeros) : count))];
}

export function Histogram({ histogram, range, tone, text, meaning, onMove, onRelease }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const held = useRef<Span | null>(null);
  const colours = useColours();
  const width = useWidth(box);
  const { grid, id } = histogram;
  const data = useMemo(() => toData(histogram), [histogram]);
  // The number line stands still under a handle that is being dragged.
  const view = held.current ?? viewOf(histogram);
  const shown = useRef<Shown>({ view, range, grid, tone });
  shown.current = { view, range, grid, tone };

  useEffect(() => {
    if (!box.current || width === 0) return;
    plot.current = new uPlot(
      histogramOptions(colours, width, () => shown.current),
      data,
      box.current,
    );
    return () => {
      plot.current?.destroy();
      plot.current = null;
    };
  }, [colours, width, id]);
  useEffect(() => {
    const frame = requestAnimationFrame(() => plot.current?.setData(data));
    return () => cancelAnimationFrame(frame);
  }, [data, view.low, view.high, range?.low, range?.high, tone]);

  return (
    <div class="histogram">
      <div class="histogram-plot" ref={box} role="img" aria-label={text} />
      {grid &&
        range &&
        width > 0 &&
        grid.movableEnds.map((end) => (
          <RangeHandle
            key={end}
            end={end}
            value={range[end]}
            view={view}
            left={SIDE_ROOM}
            right={width - SIDE_ROOM}
            meaning={meaning}
            onMove={(value) => {
              held.current ??= view;
              onMove(moveEnd(grid, range, end, value));
            }}
            onRelease={() => {
              held.current = null;
              onRelease();
            }}
          />
        ))}
    </div>
  );
}
