/** State that components read in parts: one is drawn again only when the part that it reads has changed. */
import { useEffect, useState } from 'preact/hooks';

export class Store<State extends object> {
  #state: State;
  readonly #listeners = new Set<() => void>();

  constructor(state: State) {
    this.#state = state;
  }

  get state(): State {
    return this.#state;
  }

  set(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }

  /** @returns A function that ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** @param read Must give the same object as long as nothing has changed. */
export function useStore<State extends object, Part>(store: Store<State>, read: (state: State) => Part): Part {
  const [part, setPart] = useState(() => read(store.state));
  useEffect(() => {
    const update = (): void => setPart(() => read(store.state));
    update();
    return store.subscribe(update);
  }, [store]);
  return part;
}
