/**
 * The program of a worker thread. It is text, so that it needs no file of its own beside a bundle and survives any
 * bundler; it is plain JavaScript for the same reason. After its start it never returns to the event loop: jobs,
 * modules and errors go through shared memory, which works while the calling thread is busy, in Node and in browsers.
 */
import { CALL, CALL_HEADER, ERROR_TEXT_LENGTH, JOBS, SPINS, WORDS, WORDS_PER_LINE, WORKER_SPIN } from './layout.js';

export const WORKER_SOURCE = `'use strict';
const start = ({ control, memory, thread, port }, ready) => {
  const floats = new Float32Array(control.buffer);
  const bytes = new Uint8Array(control.buffer, ${WORDS.module * 4});
  const bell = ${WORDS.bells} + thread * ${WORDS_PER_LINE};
  const functions = [];
  let incoming = null;

  const report = (error, call) => {
    if (Atomics.compareExchange(control, ${WORDS.errorState}, 0, 1) !== 0) return;
    const text = String(error && error.message || error).slice(0, ${ERROR_TEXT_LENGTH});
    for (let index = 0; index < text.length; index++) control[${WORDS.errorText} + index] = text.charCodeAt(index);
    control[${WORDS.errorLength}] = text.length;
    control[${WORDS.errorThread}] = thread;
    control[${WORDS.errorCall}] = call;
    Atomics.store(control, ${WORDS.errorState}, 2);
  };

  const spin = (index, value) => {
    const end = performance.now() + ${WORKER_SPIN};
    do {
      for (let look = 0; look < ${SPINS}; look++) if (Atomics.load(control, index) !== value) return true;
    } while (performance.now() < end);
    return false;
  };

  const waitWhile = (index, value) => {
    if (spin(index, value)) return;
    while (Atomics.load(control, index) === value) Atomics.wait(control, index, value);
  };

  const waitForBell = (heard) => {
    if (spin(bell, heard)) return;
    Atomics.add(control, ${WORDS.sleeping}, 1);
    while (Atomics.load(control, bell) === heard) Atomics.wait(control, bell, heard);
    Atomics.sub(control, ${WORDS.sleeping}, 1);
  };

  const barrier = (threads) => {
    const generation = Atomics.load(control, ${WORDS.generation});
    if (Atomics.add(control, ${WORDS.arrived}, 1) + 1 < threads) {
      waitWhile(${WORDS.generation}, generation);
      return;
    }
    Atomics.store(control, ${WORDS.arrived}, 0);
    Atomics.add(control, ${WORDS.generation}, 1);
    Atomics.notify(control, ${WORDS.generation});
  };

  const runCall = (at, head, units, threads) => {
    const begin = Math.floor(units * thread / threads);
    const end = Math.floor(units * (thread + 1) / threads);
    if (begin === end) return;
    const integers = head >> ${CALL.integersShift} & ${CALL.countMask};
    const scalars = head >> ${CALL.floatsShift} & ${CALL.countMask};
    const values = [];
    let word = at + ${CALL_HEADER};
    for (let index = 0; index < integers; index++) values.push(control[word++]);
    for (let index = 0; index < scalars; index++) values.push(floats[word++]);
    values.push(begin, end);
    functions[control[at]](...values);
  };

  const runCalls = () => {
    const threads = control[${WORDS.threads}];
    const count = control[${WORDS.count}];
    let at = ${WORDS.calls};
    for (let call = 0; call < count; call++) {
      const head = control[at + 1];
      if (head & ${CALL.shared}) {
        // The other threads wait at the barrier, so a failed call goes on to it.
        try {
          runCall(at, head, control[at + 2], threads);
        } catch (error) {
          report(error, call);
        }
      }
      if (head & ${CALL.barrier}) barrier(threads);
      at += ${CALL_HEADER} + (head >> ${CALL.integersShift} & ${CALL.countMask}) + (head >> ${CALL.floatsShift} & ${CALL.countMask});
    }
    barrier(threads);
  };

  const takeModule = () => {
    try {
      const total = control[${WORDS.total}];
      const offset = control[${WORDS.offset}];
      const count = control[${WORDS.count}];
      if (offset === 0) incoming = new Uint8Array(total);
      incoming.set(bytes.subarray(0, count), offset);
      if (offset + count === total) {
        const length = new DataView(incoming.buffer).getUint32(0, true);
        const { names, numbers } = JSON.parse(new TextDecoder().decode(incoming.subarray(4, 4 + length)));
        const module = new WebAssembly.Module(incoming.subarray(4 + length));
        const { exports } = new WebAssembly.Instance(module, { env: { memory } });
        names.forEach((name, index) => { functions[numbers[index]] = exports[name]; });
        incoming = null;
      }
    } catch (error) {
      report(error, -1);
    }
    barrier(control[${WORDS.threads}]);
  };

  // Never used; that it is open tells the calling thread that this one lives.
  globalThis.lifeline = port;
  let heard = Atomics.load(control, bell);
  Atomics.store(control, bell + ${WORDS.ready}, 1);
  ready();
  for (;;) {
    waitForBell(heard);
    heard = Atomics.load(control, bell);
    if (control[${WORDS.job}] === ${JOBS.calls}) runCalls();
    else takeModule();
  }
};

if (typeof self === 'object' && typeof importScripts === 'function') {
  self.onmessage = ({ data }) => start(data, () => self.postMessage(0));
} else {
  const { parentPort } = require('node:worker_threads');
  parentPort.once('message', (data) => start(data, () => parentPort.postMessage(0)));
}
`;
