/** Step 1: draw a digit, and see what the networks make of it as it is drawn. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Action } from '../controls/Action.js';
import { StepHead } from '../controls/StepHead.js';
import type { Session } from '../session/session.js';
import { useStore } from '../store.js';
import { latestOnly, throttle } from '../throttle.js';
import { type Answer, Answers, toAnswer } from './Answers.js';
import { agreement } from './agreement.js';
import { CellsImage } from './CellsImage.js';
import { DrawPad } from './DrawPad.js';
import { BLANK, type Drawing, isEmpty, toCells } from './drawing.js';
import { Examples } from './Examples.js';
import type { Cells } from './grid.js';

interface Answered {
  readonly float: Answer | null;
  readonly quantized: Answer | null;
}
const NO_ANSWER: Answered = { float: null, quantized: null };

export function DrawStage({ session }: { session: Session }) {
  const [drawing, setDrawing] = useState<Drawing>(BLANK);
  const [truth, setTruth] = useState<number | null>(null);
  const [answered, setAnswered] = useState<Answered>(NO_ANSWER);
  const version = useStore(session.store, (state) => state.version);
  const life = useStore(session.store, (state) => state.life);
  const bits = useStore(session.store, (state) => state.quantization?.bits ?? null);
  const tuned = useStore(session.store, (state) => state.accuracies.fineTuned !== null);
  const trained = useStore(session.store, (state) => state.run !== null || state.accuracies.quantized !== null);
  const cells = useMemo(() => toCells(drawing), [drawing]);
  const empty = isEmpty(drawing);
  const shown = useRef({ cells, empty });
  shown.current = { cells, empty };

  // Made once: both hold back what comes too fast.
  const ask = useMemo(
    () =>
      latestOnly<Cells>(async (pixels) => {
        const output = await session.predict(pixels);
        if (!output || shown.current.empty) return;
        setAnswered({ float: toAnswer(output.float), quantized: toAnswer(output.quantized) });
      }),
    [session],
  );
  const askAgain = useMemo(() => throttle(() => !shown.current.empty && ask(shown.current.cells)), [ask]);
  useEffect(() => {
    if (empty) setAnswered(NO_ANSWER);
    else ask(cells);
  }, [cells, empty]);
  useEffect(askAgain, [version, life]);

  const draw = (change: (drawing: Drawing) => Drawing): void => {
    setTruth(null);
    setDrawing(change);
  };
  const show = (chosen: Cells, label: number): void => {
    setTruth(label);
    setDrawing({ kind: 'cells', cells: chosen });
  };
  const showTestDigit = async (): Promise<void> => {
    const digit = await session.testDigit(Math.floor(Math.random() * 2 ** 31));
    if (digit) show(Float32Array.from(digit.pixels), digit.label);
  };
  const clear = (): void => draw(() => BLANK);

  const second = tuned
    ? { name: 'Fine-tuned', note: `${bits} bits a number`, tone: 'tuned' as const }
    : { name: 'Quantized', note: bits ? `${bits} bits a number` : 'not there yet', tone: 'quantized' as const };
  return (
    <section class="stage" id="draw" aria-labelledby="draw-title">
      <StepHead id="draw" number={1} title="Draw a digit">
        Two networks guess what it is, while you draw.
      </StepHead>
      <div class="stage-body">
        <div class="stage-draw">
          <DrawPad drawing={drawing} onDraw={draw} onClear={clear} />
          <p class="hint" id="draw-hint">
            Mouse, finger or pen; or the keyboard: arrow keys choose a cell, the space bar fills it, Delete clears all.
          </p>
          <figure class="stage-tools">
            <CellsImage cells={cells} size={64} label="The drawing as the networks see it" />
            <figcaption class="hint">All that the networks see: 8 × 8 shades of grey, centred and scaled.</figcaption>
          </figure>
          <p class="label" id="examples-label">
            Or take one that someone wrote
          </p>
          <Examples onChoose={show} />
          <div class="actions actions-small">
            <Action
              id="test-digit"
              label="Another one"
              hint="One of the test images, at random."
              disabled={life !== 'alive'}
              onPress={() => void showTestDigit()}
            />
            <Action id="draw-clear" label="Clear" hint="Wipes the canvas." disabled={empty} onPress={clear} />
          </div>
        </div>
        <div class="stage-answers">
          <Answers
            {...answered}
            second={second}
            missing={bits === null ? 'Quantize the network in step 3 to see its answers here.' : 'Draw something.'}
          />
          <p class="agreement" id="agreement" aria-live="polite">
            {agreement({ ...answered, empty, trained, truth })}
          </p>
        </div>
      </div>
    </section>
  );
}
