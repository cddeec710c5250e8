/** The worker: trains, and does what the page asks for. */
export {};
