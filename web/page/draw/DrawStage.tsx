/** Step 1: draw a digit, and see what the networks make of it as it is drawn. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
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

/** How long a drawing must stay as it is to be spoken about, in milliseconds. */
const SETTLED = 900;

/** The sentence as it was a while after the drawing last changed: training changes it more often than can be listened to. */
function useSettled(sentence: string, drawing: Drawing): string {
  const [spoken, setSpoken] = useState('');
  const latest = useRef(sentence);
  latest.current = sentence;
  useEffect(() => {
    const timer = setTimeout(() => setSpoken(latest.current), SETTLED);
    return () => clearTimeout(timer);
  }, [drawing]);
  return spoken;
}

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
    ? { name: 'Fine-tuned', note: `${bits} bits`, tone: 'tuned' as const }
    : { name: 'Quantized', note: bits ? `${bits} bits` : 'not there yet', tone: 'quantized' as const };
  const sentence = agreement({ ...answered, empty, trained, truth });
  const spoken = useSettled(sentence, drawing);
  return (
    <section class="stage" id="draw" aria-labelledby="draw-title">
      <StepHead id="draw" number={1} title="Draw a digit">
        Two networks guess along as you draw.
      </StepHead>
      <div class="stage-body">
        <div class="stage-draw">
          <div class="stage-canvas">
            <DrawPad drawing={drawing} onDraw={draw} onClear={clear} />
            <figure class="seen">
              <CellsImage cells={cells} label="The drawing as the networks see it" />
              <figcaption class="hint">All they see: 8 × 8 greys, scaled and centred.</figcaption>
            </figure>
            <button
              type="button"
              id="draw-clear"
              class="button button-small"
              aria-describedby="draw-hint"
              aria-disabled={empty || undefined}
              onClick={clear}
            >
              Clear
            </button>
          </div>
          <p class="hint" id="draw-hint">
            Use a mouse, finger or pen, or the keyboard: arrow keys choose a cell and the space bar fills it. Clear
            wipes it all.
          </p>
        </div>
        <div class="stage-examples">
          <p class="hint examples-label" id="examples-label">
            Or take someone’s digit; <b>?</b> is any of the test images.
          </p>
          <div class="examples">
            <Examples onChoose={show} />
            <button
              type="button"
              id="test-digit"
              class="example"
              aria-label="A test image at random"
              aria-disabled={life !== 'alive' || undefined}
              onClick={() => void showTestDigit()}
            >
              ?
            </button>
          </div>
        </div>
        <div class="stage-answers">
          <Answers
            {...answered}
            second={second}
            missing={bits === null ? 'Quantize the network in step 3 to see its answers here.' : null}
          />
          <p class="agreement" id="agreement">
            {sentence}
          </p>
          <p class="unseen" aria-live="polite">
            {spoken}
          </p>
        </div>
      </div>
    </section>
  );
}
