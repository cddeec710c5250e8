/** Checks that a value is a quantization configuration: it comes from a file that may be damaged or of another program. */
import { FormatError } from '../errors.js';

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
const isShape: Check = (value) =>
  Array.isArray(value) && value.every((extent) => Number.isInteger(extent) && extent >= -1);
const isBits: Check = (value) => Number.isInteger(value) && (value as number) >= 2 && (value as number) <= 8;
const isOneOf =
  (...known: readonly string[]): Check =>
  (value) =>
    known.includes(value as string);

const SPEC: Readonly<Record<string, Check>> = {
  kind: isOneOf('weights', 'activations'),
  mode: isOneOf('symmetric', 'asymmetric'),
  bits: isBits,
  signed: isFlag,
  perChannel: isFlag,
  narrowRange: isFlag,
};
const PORT: Readonly<Record<string, Check>> = {
  node: isText,
  port: (value) => Number.isInteger(value) && (value as number) >= 0,
};
const TARGET: Readonly<Record<string, Check>> = {
  ...PORT,
  point: isOneOf('input', 'output', 'weights', 'result'),
  results: (value) => value === undefined || isFlag(value),
  readers: (value) => value === undefined || (Array.isArray(value) && value.every(isText)),
};
const ENTRY: Readonly<Record<string, Check>> = {
  enabled: isFlag,
  shape: isShape,
  rangeGradient: (value) => value === undefined || value === 'nncf' || value === 'exact',
};
const INPUT: Readonly<Record<string, Check>> = { name: isText, shape: isShape, dtype: isText };
const RECORD: Readonly<Record<string, Check>> = {
  bits: (value) => isFields(value) && isBits(value.weights) && isBits(value.activations),
  ignoredScope: isFields,
};

function fail(where: string, value: unknown): never {
  throw new FormatError(
    'NOT_A_CONFIG',
    `This is not a quantization configuration: ${where} is ${JSON.stringify(value) ?? 'missing'}. Expected what getConfig() returns.`,
    { where },
  );
}

function checkFields(where: string, value: unknown, checks: Readonly<Record<string, Check>>): Fields {
  if (!isFields(value)) fail(where, value);
  const fields = value as Fields;
  for (const [name, check] of Object.entries(checks)) if (!check(fields[name])) fail(`${where}.${name}`, fields[name]);
  return fields;
}

function checkList(where: string, value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : fail(where, value);
}

/**
 * @param newest The newest version that can be read.
 * @throws FormatError `NOT_A_CONFIG` naming the field that is wrong, `NEWER_CONFIG` for a version that is not known yet.
 */
export function checkConfig(config: unknown, newest: number): void {
  const { version, inputs, record, quantizers, smoothed } = checkFields('it', config, {});
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) fail('version', version);
  if ((version as number) > newest) {
    throw new FormatError(
      'NEWER_CONFIG',
      `The quantization configuration has version ${String(version)}, but this library reads up to ${newest}. Update quantgrad.`,
      { version },
    );
  }
  checkList('inputs', inputs).forEach((input, index) => {
    checkFields(`inputs[${index}]`, input, INPUT);
  });
  checkFields('record', record, RECORD);
  if (smoothed !== undefined)
    checkList('smoothed', smoothed).forEach((place, index) => {
      const where = `smoothed[${index}]`;
      const { source, readers } = checkFields(where, place, { name: isText, shape: isShape });
      checkFields(`${where}.source`, source, PORT);
      for (const reader of checkList(`${where}.readers`, readers)) checkFields(`${where}.readers`, reader, PORT);
    });
  const owners = new Set<unknown>();
  checkList('quantizers', quantizers).forEach((entry, index) => {
    const where = `quantizers[${index}]`;
    const { target, spec, shares } = checkFields(where, entry, ENTRY);
    const { node, point, port } = checkFields(`${where}.target`, target, TARGET);
    checkFields(`${where}.spec`, spec, SPEC);
    if (shares !== undefined && !owners.has(shares)) fail(`${where}.shares`, shares);
    owners.add(`${String(node)}/fq_${String(point)}_${String(port)}`);
  });
}
