/** Numbers as the page writes them. */
const PLACES = { minimumFractionDigits: 1, maximumFractionDigits: 1 };

/** 0.9634 -> 96.3%. */
export const percent = (share: number): string => `${(100 * share).toLocaleString('en', PLACES)}%`;

/** A share that is not known yet is a dash. */
export const percentOrDash = (share: number | null): string => (share === null ? '–' : percent(share));

export const whole = (value: number): string => Math.round(value).toLocaleString('en');

/** 98,304 -> 96.0 KB. */
export const kilobytes = (bytes: number): string => `${(bytes / 1024).toLocaleString('en', PLACES)} KB`;

/** With three significant digits. */
export const short = (value: number): string =>
  value.toLocaleString('en', { maximumSignificantDigits: 3, useGrouping: false }).replace('-', '−');

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${whole(count)} ${count === 1 ? one : many}`;
