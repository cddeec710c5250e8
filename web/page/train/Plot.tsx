/** A uPlot in the page: drawn anew when the size or the colours change, given other data when there are some. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { type Colours, useColours, useWidth } from '../theme.js';

interface Props {
  readonly id: string;
  readonly title: string;
  /** Says the last values, for who does not see the plot. */
  readonly text: string;
  readonly lines: readonly {
    readonly label: string;
    readonly colour: keyof Colours;
    readonly dash?: readonly number[];
  }[];
  readonly data: uPlot.AlignedData;
  /** The least that the horizontal axis shows. */
  readonly epochs: number;
  options(colours: Colours, width: number, epochs: () => number): uPlot.Options;
}

export function Plot({ id, title, text, lines, data, epochs, options }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const least = useRef(epochs);
  least.current = epochs;
  const colours = useColours();
  const width = useWidth(box);

  useEffect(() => {
    if (!box.current || width === 0) return;
    plot.current = new uPlot(
      options(colours, width, () => least.current),
      data,
      box.current,
    );
    return () => {
      plot.current?.destroy();
      plot.current = null;
    };
  }, [colours, width]);
  useEffect(() => {
    const frame = requestAnimationFrame(() => plot.current?.setData(data));
    return () => cancelAnimationFrame(frame);
  }, [data, epochs]);

  return (
    <figure class="plot" id={id}>
      <figcaption>
        <span class="label" id={`${id}-title`}>
          {title}
        </span>
        <ul class="legend">
          {lines.map(({ label, colour, dash }) => (
            <li key={label} class={`legend-${colour}${dash ? ' legend-dashed' : ''}`}>
              {label}
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot-box" ref={box} role="img" aria-labelledby={`${id}-title`} aria-describedby={`${id}-text`} />
      <p class="hint" id={`${id}-text`}>
        {text}
      </p>
    </figure>
  );
}
