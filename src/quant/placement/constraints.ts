/** From a hardware table and what the user asks for to the configurations that an operation's quantizers may have. */
import { ValidationError } from '../../errors.js';
import type { QuantizerConfig } from '../spec.js';
import { type ConfigSpace, configsOf, type InputSupport } from '../targets/target.js';

/** What every quantizer of a kind must be; what is absent is free (NNCF's QuantizationConstraints). */
export interface ConfigConstraints extends Partial<QuantizerConfig> {
  /** Width in place of the tables' 8 bits, whether or not the hardware computes with it. */
  readonly width?: number;
}

/** The constraints with another width, such as that of one layer; undefined: as they are. */
export const withWidth = (constraints: ConfigConstraints, width: number | undefined): ConfigConstraints =>
  width === undefined ? constraints : { ...constraints, bits: undefined, width };

const FREE: QuantizerConfig = { mode: 'symmetric', bits: 8, perChannel: false, narrowRange: false };

const agrees = (config: QuantizerConfig, { width: _, ...constraints }: ConfigConstraints): boolean =>
  (Object.keys(constraints) as (keyof QuantizerConfig)[]).every(
    (name) => constraints[name] === undefined || constraints[name] === config[name],
  );

function widened(configs: readonly QuantizerConfig[], width: number | undefined): readonly QuantizerConfig[] {
  if (width === undefined || width === 8) return configs;
  return configs.filter(({ bits }) => bits === 8).map((config) => ({ ...config, bits: width }));
}

/**
 * The configurations of the table that agree with the constraints, best first.
 * @param where For the error: what is quantized.
 * @throws ValidationError `HARDWARE_CONFLICT` if the table has some, but none that agrees.
 */
export function constrain(
  support: InputSupport,
  constraints: ConfigConstraints,
  where: { readonly node: string; readonly kind: 'weights' | 'activations'; readonly target: string },
): readonly QuantizerConfig[] {
  if (support === 'any') {
    const { width = 8, ...rest } = constraints;
    return [{ ...FREE, bits: width, ...definedOf(rest) }];
  }
  const offered = widened((support as readonly ConfigSpace[]).flatMap(configsOf), constraints.width);
  const agreeing = offered.filter((config) => agrees(config, constraints));
  if (offered.length > 0 && agreeing.length === 0) {
    throw new ValidationError(
      'HARDWARE_CONFLICT',
      `The ${where.kind} of '${where.node}' cannot be quantized as asked (${describe(definedOf(constraints))}): target '${where.target}' has only ${[...new Set(offered.map(describe))].join('; ')}. ` +
        'This is the first conflicting place. Relax advancedParameters or the preset, choose another targetDevice, or add the operation to ignoredScope.',
      { node: where.node, kind: where.kind, target: where.target },
    );
  }
  return agreeing;
}

const definedOf = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;

const TERMS: Readonly<Record<keyof QuantizerConfig, (value: unknown) => string>> = {
  bits: (bits) => `${String(bits)} bits`,
  mode: String,
  perChannel: (channels) => (channels ? 'per channel' : 'per tensor'),
  narrowRange: (narrow) => (narrow ? 'narrow' : 'full range'),
  signednessToForce: (signed) => (signed ? 'signed' : 'unsigned'),
};

const describe = (config: Partial<QuantizerConfig>): string =>
  (Object.keys(TERMS) as (keyof QuantizerConfig)[])
    .filter((name) => config[name] !== undefined)
    .map((name) => TERMS[name](config[name]))
    .join(', ');
