/** What two networks say about the drawing, back to back: a bar for each digit, and the chosen digit large. */
import { percent } from '../format.js';

export interface Answer {
  readonly digit: number;
  /** Of all ten digits; they add up to 1. */
  readonly probabilities: readonly number[];
}

interface Props {
  readonly float: Answer | null;
  readonly quantized: Answer | null;
  /** What the second network is called and drawn as. */
  readonly second: { readonly name: string; readonly note: string; readonly tone: 'quantized' | 'tuned' };
  /** Why the second has no answer; null if it will have one. */
  readonly missing: string | null;
}

export function toAnswer(probabilities: readonly number[] | null | undefined): Answer | null {
  if (!probabilities) return null;
  return { digit: probabilities.indexOf(Math.max(...probabilities)), probabilities };
}

/** All of it in one sentence, for who cannot see the bars. */
const inWords = (name: string, answer: Answer | null): string =>
  answer
    ? `${name} says ${answer.digit}, ${percent(answer.probabilities[answer.digit])} sure.`
    : `${name} has no answer yet.`;

function Verdict({
  id,
  name,
  note,
  tone,
  answer,
}: {
  id: string;
  name: string;
  note: string;
  tone: string;
  answer: Answer | null;
}) {
  return (
    <div class={`verdict tone-${tone}`} id={id} data-digit={answer?.digit ?? ''}>
      <p class="verdict-digit">{answer ? answer.digit : '?'}</p>
      <p class="verdict-name">{name}</p>
      <p class="verdict-note">{note}</p>
      <p class="verdict-note">{answer ? `${percent(answer.probabilities[answer.digit])} sure` : 'no answer'}</p>
    </div>
  );
}

const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);

export function Answers({ float, quantized, second, missing }: Props) {
  const share = (answer: Answer | null, digit: number): string => `${100 * (answer?.probabilities[digit] ?? 0)}%`;
  return (
    <div class="answers">
      <p class="unseen" id="answers-text">
        {inWords('The float network', float)} {inWords(`The ${second.name} network`, quantized)}
      </p>
      <div class="verdicts" aria-hidden="true">
        <Verdict id="answer-float" name="Float" note="32 bits" tone="float" answer={float} />
        <Verdict id="answer-quantized" name={second.name} note={second.note} tone={second.tone} answer={quantized} />
      </div>
      <div class="bars" aria-hidden="true" data-missing={!quantized && missing !== null}>
        {DIGITS.map((digit) => (
          <div class="bar-row" key={digit}>
            <span class="bar-track bar-left">
              <span class="bar tone-float" data-first={float?.digit === digit} style={{ width: share(float, digit) }} />
            </span>
            <span class="bar-digit">{digit}</span>
            <span class="bar-track">
              <span
                class={`bar tone-${second.tone}`}
                data-first={quantized?.digit === digit}
                style={{ width: share(quantized, digit) }}
              />
            </span>
          </div>
        ))}
        {!quantized && missing && <p class="bars-missing">{missing}</p>}
      </div>
    </div>
  );
}
