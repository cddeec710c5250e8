/**
 * A turn of the event loop. Finalizers of tensors that nothing uses any more, timers and the page's drawing
 * only run between turns; a training loop that never ends its turn starves them and its memory grows.
 */

/** Resolves in a later turn: a promise alone would only end the present microtask. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else if (typeof MessageChannel === 'function') {
      // Browsers delay nested timers by 4 ms; messages are not delayed.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    } else setTimeout(resolve, 0);
  });
}
