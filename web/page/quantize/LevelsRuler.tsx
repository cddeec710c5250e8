/** A wave and the same wave on the steps that a number of bits has: what rounding does, at a glance. */
const WIDTH = 320;
const HEIGHT = 88;
const SAMPLES = 160;
const MARGIN = 4;

/** From 0 to 1 and back, at a share of the way. */
const wave = (share: number): number => 0.5 - 0.5 * Math.cos(share * 3 * Math.PI);

function path(value: (share: number) => number): string {
  const points = Array.from({ length: SAMPLES + 1 }, (_, index) => {
    const share = index / SAMPLES;
    const x = share * WIDTH;
    const y = MARGIN + value(share) * (HEIGHT - 2 * MARGIN);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return `M${points.join('L')}`;
}

export function LevelsRuler({ bits }: { bits: number }) {
  const steps = 2 ** bits - 1;
  const rounded = (share: number): number => Math.round(wave(share) * steps) / steps;
  return (
    <figure class="ruler">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" preserveAspectRatio="none">
        <path class="ruler-true" d={path(wave)} vector-effect="non-scaling-stroke" />
        <path class="ruler-rounded" d={path(rounded)} vector-effect="non-scaling-stroke" />
      </svg>
      <figcaption class="hint">A wave, and the same wave rounded to {steps + 1} values.</figcaption>
    </figure>
  );
}
