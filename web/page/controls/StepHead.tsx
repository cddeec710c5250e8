/** Number, title and first sentence of a step. */
import type { ComponentChildren } from 'preact';

interface Props {
  readonly id: string;
  readonly number: number;
  readonly title: string;
  readonly children: ComponentChildren;
}

export function StepHead({ id, number, title, children }: Props) {
  return (
    <div class="step-head">
      <span class="step-number" aria-hidden="true">
        {number}
      </span>
      <h2 id={`${id}-title`}>{title}</h2>
      <p>{children}</p>
    </div>
  );
}
