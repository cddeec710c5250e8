/** Moving a range by hand: shown at once, sent to the worker as fast as it answers, and accuracy follows. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Grid } from '../../protocol.js';
import type { Session } from '../session/session.js';
import { latestOnly, throttle } from '../throttle.js';
import type { Span } from './view.js';

export interface MovableRange {
  readonly range: Span | null;
  move(range: Span): void;
  release(): void;
}

const spanOf = (grid: Grid): Span => ({ low: grid.inputLow, high: grid.inputHigh });

export function useRange(session: Session, grid: Grid | null): MovableRange {
  const [draft, setDraft] = useState<Span | null>(null);
  const wanted = useRef<Span | null>(null);
  const quantizer = grid?.quantizer ?? null;
  useEffect(() => {
    wanted.current = null;
    setDraft(null);
  }, [quantizer]);

  const refresh = useMemo(() => throttle(() => void session.refreshHistograms()), [session]);
  const send = useMemo(
    () =>
      latestOnly<{ quantizer: string; span: Span }>(async ({ quantizer, span }) => {
        await session.setRange(quantizer, span.low, span.high);
        refresh();
        // The worker has the last word, unless the handle has moved on meanwhile.
        if (wanted.current === span) setDraft(null);
      }),
    [session],
  );
  return {
    range: draft ?? (grid && spanOf(grid)),
    move(span) {
      if (quantizer === null) return;
      wanted.current = span;
      setDraft(span);
      send({ quantizer, span });
    },
    release: refresh,
  };
}
